"""What each lever could touch: the parts of a path that it might shorten, and so the most it could save.

A bound is no forecast: it is what would be gone if all that the lever touches took no time.
"""

from collections.abc import Callable

import msgspec

from cc_ci.engine.timelines import DELAY, TRIES
from cc_ci.perf.what_if import Place
from cc_ci.timing.phases import POLL_SLACK

DEPLOYING = frozenset({"app_new", "secrets", "deploy", "converge", "ready", "teardown"})
"""The phases that each deployment has for itself."""
REPEATED = frozenset({"functional", "sso", "backup"})
"""Stages that `stock` deploys for anew, though the install chain's deployment would do."""
LOOKS = ("before its health check's first look", "between two looks of its health check")


class Lever(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    idea: str
    touches: Callable[[Place], bool]


def waits_for_a_look(name: str) -> bool:
    """Whether a span is a health check's interval, in some part of which the service was healthy already."""
    return name.endswith(LOOKS)


def held(name: str) -> bool:
    """Whether a span is waiting after the condition was seen to be true."""
    return name.startswith((f"{POLL_SLACK}:", "hold: "))


def failed_start(name: str) -> bool:
    """Whether a span is of starts that failed for lack of another service, or the delay after them."""
    return name.endswith((TRIES, DELAY))


def watched_update(place: Place) -> bool:
    """Whether an update that is healthy is being watched for its monitor's time."""
    return place.stage == "upgrade" and place.name == "converge"


def removal(place: Place) -> bool:
    """Whether a stack is waited for that is to go."""
    return place.name in {"remove the stack", "undeploy, volumes stay"}


LEVERS = (
    Lever(
        name="health.interval",
        idea="look more often whether a service is healthy, so that those which need it start at once",
        touches=lambda place: waits_for_a_look(place.name) or failed_start(place.name),
    ),
    Lever(
        name="restart.delay",
        idea="start again at once what ended for lack of another service",
        touches=lambda place: failed_start(place.name),
    ),
    Lever(
        name="readiness.events",
        idea="go on at the event, without a time of stability after it",
        touches=lambda place: held(place.name),
    ),
    Lever(
        name="deploy.share",
        idea="functional, sso and backup on the install's deployment",
        touches=lambda place: place.stage in REPEATED and place.phase in DEPLOYING,
    ),
    Lever(
        name="deploy.parallel_chains",
        idea="the upgrade chain beside the install chain",
        touches=lambda place: place.stage == "upgrade",
    ),
    Lever(
        name="teardown.fast",
        idea="do not wait until a removed stack is gone",
        touches=removal,
    ),
    Lever(
        name="upgrade.monitor",
        idea="do not watch an update for its monitor's time",
        touches=watched_update,
    ),
    Lever(
        name="traefik.refresh",
        idea="tell the proxy of a deployment at once",
        touches=lambda place: place.name.startswith("ready: ") or place.name == "ready",
    ),
    Lever(
        name="provider.warm",
        idea="a provider that is up before the run",
        touches=lambda place: place.phase == "provider_setup",
    ),
    Lever(
        name="images.keep",
        idea="keep images, or pull them while the run is queued",
        touches=lambda place: place.phase == "images_pull",
    ),
    Lever(
        name="tests.parallel",
        idea="tests side by side",
        touches=lambda place: place.phase == "test",
    ),
    Lever(
        name="backup.minimal",
        idea="a smaller archive, made by fewer calls",
        touches=lambda place: place.phase == "backup",
    ),
)
