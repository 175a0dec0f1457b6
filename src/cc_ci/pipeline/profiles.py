"""Profiles: a full set of lever values each. A lever may change a run's speed and never its meaning."""

from typing import Literal

import msgspec

from cc_ci.engine.overlay import Levers as OverlayLevers
from cc_ci.errors import UsageError
from cc_ci.stages.bench import Waits
from cc_ci.system.units import Seconds

DriverName = Literal["stack", "abra", "bare"]
DeployShare = Literal["none", "chains"]
ReadinessEvents = Literal["off"]
TeardownWait = Literal["removal"]


class Levers(msgspec.Struct, frozen=True, kw_only=True):
    """Every lever that a run obeys, by the name that results.json gives it (dots as underscores)."""

    deploy_driver: DriverName
    """What hands stacks to Swarm: cc-ci's own stack driver, or the operator's abra; `bare`: no Swarm."""
    deploy_share: DeployShare
    """`none`: each stage deploys for itself; `chains`: the stages of a chain share its deployment."""
    deploy_resolve_image: Literal["always"]
    """`always`: a registry round trip per image at each deploy, as abra asks for."""
    readiness_stability: Seconds
    """How long a converged stack must stay so before it counts."""
    readiness_probe_interval: Seconds
    """Time between two looks at the app's own predicate."""
    readiness_hold: Seconds
    """The predicate is confirmed once more after this time."""
    health_interval: Seconds | None
    """None: the recipe's own intervals."""
    upgrade_monitor: Seconds | None
    """None: the recipe's own update_config.monitor."""
    restart_delay: Seconds | None
    """None: the recipe's own restart_policy.delay."""
    teardown_wait: TeardownWait
    """`removal`: the removal of a stack is waited out before anything else begins."""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    levers: Levers
    waits: dict[str, str]
    """For each wait that the profile has by choice: where it comes from."""


STOCK = Profile(
    name="stock",
    levers=Levers(
        deploy_driver="stack",
        deploy_share="none",
        deploy_resolve_image="always",
        readiness_stability=5.0,
        readiness_probe_interval=1.0,
        readiness_hold=1.0,
        health_interval=None,
        upgrade_monitor=None,
        restart_delay=None,
        teardown_wait="removal",
    ),
    waits={
        "readiness_stability": "abra waits with Docker's own waiter: a 200 ms poll, then 5 s of stability",
        "readiness_probe_interval": "a one-second curl loop, the usual way to wait for an app",
        "health_interval": "the recipe's own, as its operators run it",
        "teardown_wait": "abra's undeploy waits until the stack's tasks are gone",
    },
)

BARE = Profile(
    name="bare",
    levers=msgspec.structs.replace(
        STOCK.levers,
        deploy_driver="bare",
        deploy_share="chains",
        readiness_stability=0.0,
        readiness_probe_interval=0.05,
        readiness_hold=0.0,
    ),
    waits={},
)
"""Plain containers, to measure the least that the same work takes: no test of a deployment on Swarm."""

PROFILES = {profile.name: profile for profile in (STOCK, BARE)}


def profile_named(name: str) -> Profile:
    """The profile of that name. Raises UsageError with the names there are."""
    try:
        return PROFILES[name]
    except KeyError:
        there_are = ", ".join(PROFILES)
        raise UsageError(f"profile {name}: not known; there is {there_are}") from None


def driven_by(profile: Profile, driver: DriverName) -> Profile:
    """The same profile with another driver."""
    return msgspec.structs.replace(
        profile, levers=msgspec.structs.replace(profile.levers, deploy_driver=driver)
    )


def waits(profile: Profile) -> Waits:
    """What stages are told of a profile's levers."""
    levers = profile.levers
    return Waits(
        resolve_image=levers.deploy_resolve_image,
        stability=levers.readiness_stability,
        stability_because=profile.waits.get("readiness_stability", profile.name),
        probe_interval=levers.readiness_probe_interval,
        hold=levers.readiness_hold,
        overlay=OverlayLevers(
            health_interval=levers.health_interval,
            update_monitor=levers.upgrade_monitor,
            restart_delay=levers.restart_delay,
        ),
    )
