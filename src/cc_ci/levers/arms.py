"""Arms: a profile and what was changed of it. Runs of two arms are never pooled or compared as if of one."""

import hashlib
import json
from collections.abc import Iterable, Mapping

import msgspec

from cc_ci.errors import UsageError
from cc_ci.levers.former_names import former, present
from cc_ci.levers.lever import ProfileName
from cc_ci.levers.registry import BY_NAME, PROFILES, lever_named
from cc_ci.levers.values import Value, told
from cc_ci.system.suggesting import unknown
from cc_ci.system.units import Seconds

DEFAULT_PROFILE: ProfileName = "stock"
"""The one that a run has unless told otherwise."""
LIMIT_PROFILE: ProfileName = "bare"
"""The one that measures the least that the same work can take."""
PLAIN_CONTAINERS = "bare"
"""The driver of an arm that is no test of a deployment."""
DIGEST_LENGTH = 8
RETIRED: Mapping[str, Value] = {"teardown.wait": "removal"}
"""Levers that older results tell and no run obeys any more, with the value that was the only one."""

WHAT: Mapping[ProfileName, str] = {
    "stock": "the pipeline as first found: each stage deploys for itself, and waits as abra does",
    "peer": "the best pipeline that was published: one deployment of the old version, upgraded in place, for "
    "all stages; images pulled ahead; a warm provider",
    "fast": "all that helps and tests no less: shared deployments, chains side by side, no wait that the "
    "work does not need",
    "operator": "what an operator's server does: the recipe's own intervals, delays and monitors, a soak, "
    "and abra where it is on PATH",
    "bare": "plain containers, to measure the least that the same work takes: no test of a deployment",
}


class Arm(msgspec.Struct, frozen=True, kw_only=True):
    """One arm; `digest` is of the values that were in force, so that a profile that was changed shows."""

    profile: str
    overrides: dict[str, Value] = {}
    digest: str

    def __str__(self) -> str:
        return arm_text(self.profile, self.overrides)


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """An arm with all its lever values, as a run obeys them."""

    arm: Arm
    values: Mapping[str, Value]

    def word(self, name: str) -> str:
        return str(self.values[name])

    def seconds(self, name: str) -> Seconds:
        found = self.seconds_or_own(name)
        if found is None:
            raise AssertionError(f"lever {name}: left to the recipe, which has none")
        return found

    def share(self, name: str) -> float:
        return float(self.values[name] or 0.0)

    def seconds_or_own(self, name: str) -> Seconds | None:
        """None: as the recipe has it."""
        found = self.values[name]
        return None if found is None else float(found)

    @property
    def deploys(self) -> bool:
        """Whether it is a test of a deployment."""
        return self.word("deploy.driver") != PLAIN_CONTAINERS


def choose(profile: str = DEFAULT_PROFILE, settings: Iterable[str] = ()) -> Chosen:
    """The arm of a profile and of what was set by `NAME=VALUE`. Raises UsageError for what is not known.

    What is set to the value that the profile has anyway is no override.
    """
    base = profile_values(profile)
    values = {**base, **dict(map(_read, settings))}
    overrides = {name: value for name, value in values.items() if value != base[name]}
    return Chosen(arm=Arm(profile=profile, overrides=overrides, digest=digest(values)), values=values)


def profile_values(profile: str) -> dict[str, Value]:
    name = next((name for name in PROFILES if name == profile), None)
    if name is None:
        raise unknown("profile", profile, PROFILES)
    return {lever.name: lever.in_profile(name) for lever in BY_NAME.values()}


def _read(setting: str) -> tuple[str, Value]:
    name, equals, text = setting.partition("=")
    if not equals:
        raise UsageError(f"lever {setting}: no value; give it as NAME=VALUE, `cc-ci levers` lists them")
    name, word = present(name, text)
    return name, lever_named(name).values.read(name, str(word))


def digest(values: Mapping[str, Value]) -> str:
    """Of all values but neutral ones, so that a lever that is built later changes no older arm's.

    A lever that got another name counts by its first one.
    """
    neutral = {
        **RETIRED,
        **dict(former(name, lever.neutral) for name, lever in BY_NAME.items()),
    }
    written = dict(former(name, value) for name, value in values.items())
    in_force = {
        name: value for name, value in written.items() if name not in neutral or value != neutral[name]
    }
    text = json.dumps({name: told(value) for name, value in in_force.items()}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]


def arm_text(profile: str, overrides: Mapping[str, Value]) -> str:
    """`stock health.interval=1`: what `read_arm` reads again."""
    return " ".join([profile, *(f"{name}={told(value)}" for name, value in sorted(overrides.items()))])


def read_arm(text: str) -> Chosen:
    """The arm that `arm_text` wrote down."""
    profile, *settings = text.split()
    return choose(profile, settings)


def arm_words(text: str) -> tuple[str, ...]:
    """What tells an arm from others in names of cells and files; the default profile goes without saying."""
    profile, *settings = text.split()
    return tuple(settings) if profile == DEFAULT_PROFILE else (profile, *settings)


def arm_argv(text: str) -> tuple[str, ...]:
    """The flags by which `cc-ci run` takes an arm."""
    profile, *settings = text.split()
    return ("--profile", profile, *(word for one in settings for word in ("--lever", one)))


def arm_flags(text: str) -> str:
    """The same for a command that people type, which leave out what goes without saying."""
    profile, *settings = text.split()
    named = "" if profile == DEFAULT_PROFILE else f" --profile {profile}"
    return named + "".join(f" --lever {one}" for one in settings)


def is_limit(text: str) -> bool:
    """Whether runs of this arm are on plain containers."""
    profile, *settings = text.split()
    by_hand = next((one.partition("=")[2] for one in settings if one.startswith("deploy.driver=")), None)
    return (by_hand or profile_values(profile)["deploy.driver"]) == PLAIN_CONTAINERS
