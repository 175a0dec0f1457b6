"""What could be saved: the parts of a path that a lever might shorten, and so the most it could save.

A bound is no forecast: it is what would be gone if all that is touched took no time. Levers that are built
are those of the registry; of what is none yet there is only the idea.
"""

from collections.abc import Callable

import msgspec

from cc_ci.levers.registry import BY_NAME
from cc_ci.perf.analysis.what_if import PathPlace
from cc_ci.timing.actions import (
    CONVERGE,
    FAILED_STARTS,
    HOLD,
    LOOKS,
    POLL_SLACK,
    READY,
    REDEPLOYING,
    RESTART_DELAY,
)

DEPLOYING = frozenset({"app_new", "secrets", "deploy", "converge", "ready", "teardown", "overhead"})
"""The phases that each deployment has for itself."""
OF_STAGES = frozenset({"install", "upgrade", "backup", "functional", "sso", "fresh"})
"""The deployments of a run's own app; any other is its provider's."""
SPARED = frozenset({"functional", "sso"})
"""Deployments of `stock` whose tests could be run on the install's; so could those of `backup`."""
BESIDE = frozenset({"upgrade", "fresh"})
"""Deployments of the chains that could go beside the install chain."""


class Saving(msgspec.Struct, frozen=True, kw_only=True):
    """One way to save time; `name` is that of the lever that does it, or will when it is built."""

    name: str
    idea: str
    touches: Callable[[PathPlace], bool]
    within: str | None = None
    """One that touches all of it and more."""

    @property
    def built(self) -> bool:
        return self.name in BY_NAME


def waits_for_a_look(action: str | None) -> bool:
    """Whether a span is a health check's interval, in some part of which the service was healthy already.

    It may be another service's: what waits for a database waits for its health check to look.
    """
    return action in LOOKS


def held(action: str | None) -> bool:
    """Whether a span is waiting after the condition was seen to be true."""
    return action in {POLL_SLACK, HOLD}


def failed_start(action: str | None) -> bool:
    """Whether a span is of starts that failed for lack of another service, or the delay after them."""
    return action in {FAILED_STARTS, RESTART_DELAY}


def watched_update(place: PathPlace) -> bool:
    """Whether an update that is healthy is being watched for its monitor's time."""
    return place.stage == "upgrade" and place.action == CONVERGE


def spared(place: PathPlace) -> bool:
    """Whether a deployment is made or removed that sharing would spare; backup's redeploy is no such one."""
    if place.phase not in DEPLOYING:
        return False
    removed = place.phase in {"teardown", "overhead"} and place.action not in REDEPLOYING
    first = place.stage == "backup" or removed
    return place.deployment in SPARED or (place.deployment == "backup" and first)


def removal(place: PathPlace) -> bool:
    """Whether something is waited for that is to go; networks and volumes can't before their stack has."""
    return place.phase == "teardown"


def works_on_provider(place: PathPlace) -> bool:
    """Whether a provider is brought up, or taken down again."""
    own = place.deployment is None or place.deployment in OF_STAGES
    return place.phase == "provider_setup" or (removal(place) and not own)


SAVINGS = (
    Saving(
        name="health.interval",
        idea="look more often whether a service is healthy: no wait for a look, no starts that fail for lack"
        " of a service not seen to be healthy yet; restart.delay is in it",
        touches=lambda place: waits_for_a_look(place.action) or failed_start(place.action),
    ),
    Saving(
        name="restart.delay",
        idea="start again at once what ended for lack of another service; of several delays all but the last"
        " are among the tries that fail, which stay",
        touches=lambda place: failed_start(place.action),
        within="health.interval",
    ),
    Saving(
        name="readiness.events",
        idea="go on at the event, without a time of stability after it",
        touches=lambda place: held(place.action),
    ),
    Saving(
        name="plan.shape",
        idea="functional, sso and backup on the install's deployment",
        touches=spared,
    ),
    Saving(
        name="plan.parallel",
        idea="the chains of the upgrade and of the fresh restore beside the install chain",
        touches=lambda place: place.deployment in BESIDE,
    ),
    Saving(
        name="removal",
        idea="have the engine stop at once what is removed, past Swarm's sleeps",
        touches=removal,
    ),
    Saving(
        name="upgrade.monitor",
        idea="do not watch an update for its monitor's time",
        touches=watched_update,
    ),
    Saving(
        name="traefik.refresh",
        idea="tell the proxy of a deployment at once",
        touches=lambda place: place.kind == "sign" or place.action == READY,
    ),
    Saving(
        name="provider.warm",
        idea="a provider that is up before the run",
        touches=works_on_provider,
    ),
    Saving(
        name="images.keep",
        idea="keep images, or pull them while the run is queued",
        touches=lambda place: place.phase == "images_pull",
    ),
    Saving(
        name="tests.parallel",
        idea="tests side by side",
        touches=lambda place: place.phase == "test",
    ),
    Saving(
        name="backup.minimal",
        idea="a smaller archive, made by fewer calls",
        touches=lambda place: place.phase in {"backup", "restore"},
    ),
    Saving(
        name="secrets.reuse",
        idea="secrets that are made once",
        touches=lambda place: place.phase == "secrets",
    ),
    Saving(
        name="runner.cache",
        idea="a runner that is set up before the run, and a recipe that is there",
        touches=lambda place: place.phase in {"runner_setup", "recipe_fetch"},
    ),
)
UNBOUNDED = {
    "images.prepull, images.mirror": "another way to what images.keep touches",
    "readiness.probe": "looks that come late, told as waits; within what traefik.refresh touches",
    "readiness.parallel": "signs beside each other, within what traefik.refresh touches",
    "deploy.resolve_image, deploy.driver": "within the seconds of `docker stack deploy`, in the phase deploy",
    "provider.pause": "another way to what provider.warm touches",
    "images.prune_guard, admission": "of runs side by side, which no single run shows",
    "node.cpus, node.memory": "change every phase that is bound by them, see its table",
}
"""Levers of the design that have no part of a path to themselves, and why."""
