"""Variables in compose files, as the stack loader fills them in. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from cc_ci.recipes.faults import Key, KeyFault, refuse_steering
from cc_ci.recipes.yaml_bounds import LONGEST_VALUE, MOST_TEXT
from cc_ci.system.printable import quoted

NAME = r"[_a-zA-Z][_a-zA-Z0-9]*"
# without braces, too, what follows `:-` up to the end belongs to the default: docker's own pattern does so
SUBSTITUTION = rf"{NAME}(?::?[-?][^}}]*)?"
VARIABLE = re.compile(
    rf"\$(?:(?P<escaped>\$)|(?P<named>{SUBSTITUTION})|{{(?P<braced>{SUBSTITUTION})}}|(?P<invalid>))"
)
PARTS = re.compile(rf"(?P<name>{NAME})(?P<rule>:?[-?])?(?P<text>.*)", re.DOTALL)

INTEGER = re.compile(r"[-+]?[0-9]{1,20}")
NUMBER = re.compile(r"[-+]?(?:[0-9]{1,20}\.?[0-9]{0,20}|\.[0-9]{1,20})(?:[eE][-+]?[0-9]{1,2})?")
TRUE, FALSE = {"y", "yes", "true", "on"}, {"n", "no", "false", "off"}
INTEGERS = (
    "services.*.configs.*.mode",
    "services.*.secrets.*.mode",
    "services.*.healthcheck.retries",
    "services.*.deploy.replicas",
    "services.*.deploy.update_config.parallelism",
    "services.*.deploy.rollback_config.parallelism",
    "services.*.deploy.restart_policy.max_attempts",
    "services.*.deploy.placement.max_replicas_per_node",
    "services.*.ports.*.target",
    "services.*.ports.*.published",
    "services.*.ulimits.*",
    "services.*.ulimits.*.hard",
    "services.*.ulimits.*.soft",
)
RATIOS = (
    "services.*.deploy.update_config.max_failure_ratio",
    "services.*.deploy.rollback_config.max_failure_ratio",
)
FLAGS = (
    "services.*.healthcheck.disable",
    "services.*.privileged",
    "services.*.read_only",
    "services.*.stdin_open",
    "services.*.tty",
    "services.*.volumes.*.read_only",
    "services.*.volumes.*.volume.nocopy",
    "networks.*.external",
    "networks.*.internal",
    "networks.*.attachable",
    "volumes.*.external",
    "secrets.*.external",
    "configs.*.external",
)
"""Where a value that held a variable is read as a number or a boolean; anywhere else it stays text."""

CASTS: dict[tuple[str, ...], str] = {
    **{tuple(path.split(".")): "integer" for path in INTEGERS},
    **{tuple(path.split(".")): "ratio" for path in RATIOS},
    **{tuple(path.split(".")): "flag" for path in FLAGS},
}


def variables(text: str) -> tuple[str, ...]:
    """The names of the variables that a text uses."""
    return tuple(name for name, _rule in _used(text))


def unguarded(text: str) -> tuple[str, ...]:
    """Those that neither bring a default nor are required: unset, they leave nothing in their place."""
    return tuple(name for name, rule in _used(text) if not rule)


def _used(text: str) -> list[tuple[str, str]]:
    found = (match["named"] or match["braced"] for match in VARIABLE.finditer(text))
    parts = (PARTS.fullmatch(substitution) for substitution in found if substitution)
    return [(match["name"], match["rule"] or "") for match in parts if match]


def interpolate(value: Any, env: Mapping[str, str]) -> Any:
    """Fill in the variables of all values; keys are left as they are. Raises KeyFault."""
    return _Filling(env).value(value, ())


class _Filling:
    """What the variables of one file come to is bounded: a value of some letters may stand for many."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._left = MOST_TEXT

    def value(self, value: Any, key: Key) -> Any:
        if isinstance(value, dict):
            return {name: self.value(child, (*key, name)) for name, child in value.items()}
        if isinstance(value, list):
            return [self.value(child, (*key, index)) for index, child in enumerate(value)]
        return self._text(value, key) if isinstance(value, str) else value

    def _text(self, written: str, key: Key) -> Any:
        text = substitute(written, self._env, key)
        if text == written:
            return text
        refuse_steering(text, key)
        self._left -= len(text)
        if self._left < 0:
            raise KeyFault(key, f"with it the filled in values are longer than {MOST_TEXT} characters")
        return _cast(text, key)


def substitute(text: str, env: Mapping[str, str], key: Key = ()) -> str:
    """Fill in the variables of one text. Raises KeyFault for a stray `$` and for a required one not set."""
    room = LONGEST_VALUE

    def filled(match: re.Match[str]) -> str:
        nonlocal room
        value = put(match)
        room -= len(value)
        if room < 0:
            raise KeyFault(key, f"is longer than {LONGEST_VALUE} characters once it is filled in")
        return value

    def put(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        substitution = match["named"] or match["braced"]
        if substitution is None:
            raise KeyFault(
                key, f"{quoted(text)} has a `$` that begins no variable; write `$$` for the sign itself"
            )
        return _variable(substitution, env, key)

    return VARIABLE.sub(filled, text)


def _variable(substitution: str, env: Mapping[str, str], key: Key) -> str:
    parts = PARTS.fullmatch(substitution)
    assert parts  # noqa: S101 - the pattern around it holds this one
    name, rule, text = parts["name"], parts["rule"] or "", parts["text"]
    value = env.get(name)
    missing = not value if rule.startswith(":") else value is None
    if missing and rule.endswith("-"):
        return text
    if missing and rule.endswith("?"):
        raise KeyFault(key, f"needs the variable {name}, which is not set: {text}".rstrip(": "))
    return value or ""


def _cast(text: str, key: Key) -> Any:
    kind = next((kind for path, kind in CASTS.items() if _matches(path, key)), None)
    if kind == "flag":
        return _flag(text, key)
    if kind is None:
        return text
    if not (INTEGER if kind == "integer" else NUMBER).fullmatch(text):
        raise KeyFault(key, f"{quoted(text)} is no number")
    return int(text) if kind == "integer" else float(text)


def _matches(path: tuple[str, ...], key: Key) -> bool:
    return len(path) == len(key) and all(part in ("*", step) for part, step in zip(path, key, strict=True))


def _flag(text: str, key: Key) -> bool:
    if text.lower() in TRUE | FALSE:
        return text.lower() in TRUE
    raise KeyFault(key, f"{quoted(text)} is neither true nor false")
