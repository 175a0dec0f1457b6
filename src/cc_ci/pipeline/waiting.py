"""What an arm's levers ask of the stages that wait."""

from collections.abc import Callable

from cc_ci.engine.api import Engine
from cc_ci.engine.overlay import Tuning
from cc_ci.levers.arms import Chosen
from cc_ci.levers.registry import BY_NAME
from cc_ci.stages.bench import Waits
from cc_ci.system.process import Runner
from cc_ci.system.units import Seconds

FIRST_API = (1, 44)
FIRST_CLIENT = 25
"""The first of each that knows a health check's start_interval."""
CLIENT_VERSION = ("docker", "version", "--format", "{{.Client.Version}}")


def waits(arm: Chosen, *, early: bool = True) -> Waits:
    """What stages are told; `early` as from `looks_early`."""
    stability = BY_NAME["readiness.stability"]
    return Waits(
        resolve_image=arm.word("deploy.resolve_image"),
        stability=arm.seconds("readiness.stability"),
        stability_because=stability.source or str(arm.arm),
        probe_interval=arm.seconds("readiness.probe_interval"),
        slackening=arm.share("readiness.slackening"),
        hold=arm.seconds("readiness.hold"),
        pulls=int(arm.word("images.pulls")),
        tuning=_tuning(arm, early=early),
        events=arm.word("readiness.events") == "yes",
        own_signs=arm.word("readiness.probe") == "own",
        side_by_side=arm.word("readiness.parallel") == "yes",
        prompt_removal=arm.word("removal") == "prompt",
    )


def _tuning(arm: Chosen, *, early: bool) -> Tuning:
    interval, start = arm.seconds_or_own("health.interval"), arm.seconds_or_own("health.start_interval")
    return Tuning(
        health_interval=interval if early else _shorter(interval, start),
        start_interval=start if early else None,
        update_monitor=arm.seconds_or_own("upgrade.monitor"),
        restart_delay=arm.seconds_or_own("restart.delay"),
    )


def _shorter(one: Seconds | None, other: Seconds | None) -> Seconds | None:
    return min((each for each in (one, other) if each is not None), default=None)


def looks_early(arm: Chosen, engine: Engine, runner: Runner, *, warn: Callable[[str, str], None]) -> bool:
    """Whether engine and client know a start_interval; `warn` is told what is done instead.

    The client reads compose files, and refuses the key where it does not know it; the engine drops it.
    """
    every = arm.seconds_or_own("health.start_interval")
    if every is None:
        return True
    lacking = _lacking(engine, runner)
    if lacking:
        said = f"{lacking} no start_interval, so health checks look every {every:g} s all the time"
        warn("start-interval", f"health.start_interval: {said}")
    return not lacking


def _lacking(engine: Engine, runner: Runner) -> str | None:
    facts = engine.system()
    if _numbers(facts.api) < FIRST_API:
        return f"engine {facts.version} has"
    client = runner(list(CLIENT_VERSION)).stdout.strip()
    if _numbers(client)[:1] < (FIRST_CLIENT,):
        return f"docker's client {client or 'of an unknown version'} has"
    return None


def _numbers(version: str) -> tuple[int, ...]:
    """The first two numbers of a version; none where it has no such form."""
    parts = version.split(".")[:2]
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else ()
