"""Deploy a stack, see it converge by the engine's events, and wait for the app's own signs that it serves."""

from collections.abc import Sequence

from cc_ci.engine.watching import POLL, Convergence
from cc_ci.probes.ready import Predicate
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.holding import begin_hold
from cc_ci.stages.living import begins_to_serve, served_until_now
from cc_ci.stages.readying import predicates, wait_ready
from cc_ci.stages.removing import save_evidence, take_down
from cc_ci.stages.straight import asked_straight
from cc_ci.system.units import Seconds
from cc_ci.timing.actions import (
    BOOT_HEALTHY,
    CONVERGE,
    HOLD,
    JOIN_PROXY,
    POLL_SLACK,
    READY,
    REMOVE_TO_REDEPLOY,
    STACK_DEPLOY,
    TEXT,
)
from cc_ci.timing.phases import Phase

AFTER_EVENT: Seconds = 0.1
"""Swarm tells of a task's new state within a batch of this length, so no look pays sooner."""


def deploy(bench: Bench, deployed: Deployed, *, phase: Phase | None = None) -> None:
    """Deploy for the first time; afterwards the app serves. `phase` as for `roll_out`."""
    _join_proxy(bench, deployed, phase=phase or "deploy")
    roll_out(bench, deployed, phase=phase)


def redeploy(bench: Bench, deployed: Deployed) -> None:
    """Deploy again on the volumes that are there: an app has in memory what was before the restore.

    Its parts are phases of their own, as a first deploy's are: what is left to `restore` is copying data.
    """
    save_evidence(bench, deployed, part="before-redeploy")
    take_down(bench, deployed, action=REMOVE_TO_REDEPLOY)
    roll_out(bench, deployed, phase=None)


def roll_out(bench: Bench, deployed: Deployed, *, phase: Phase | None) -> None:
    """Hand the stack to Swarm, and return when it has converged and the app serves.

    `phase` is that of the whole, None for the three phases of a deploy.
    """
    signs = predicates(bench, deployed)
    deployed.since = bench.engine.now()
    # until it serves, nothing of it counts as running: one that was rolled back may be between two starts
    deployed.running = {}
    served_until_now(bench, deployed)
    told = "docker stack deploy"
    with bench.span(told, phase or "deploy", action=STACK_DEPLOY, waits_for=told):
        bench.driver.deploy(deployed.app, deployed.folder, resolve_image=bench.waits.resolve_image)
    _await(bench, deployed, signs, phase=phase)


def serve_again(bench: Bench, deployed: Deployed, *, phase: Phase) -> None:
    """Wait as after a deploy, for an app whose containers Swarm starts anew by itself."""
    deployed.since, deployed.serves_since = bench.engine.now(), None
    # as in roll_out: what does not come back is not asked how it stops
    deployed.running = {}
    _await(bench, deployed, predicates(bench, deployed), phase=phase)


def _await(bench: Bench, deployed: Deployed, signs: Sequence[Predicate], *, phase: Phase | None) -> None:
    all_up = "all tasks to run and be healthy"
    with (
        bench.span("converge", phase or "converge", action=CONVERGE, waits_for=all_up),
        asked_straight(bench, deployed, phase=phase or "converge"),
    ):
        converged = bench.driver.converge(
            deployed.stack,
            since=deployed.since,
            timeout=deployed.app.timeout,
            stable_for=0.0 if bench.waits.events else bench.waits.stability,
            poll=AFTER_EVENT if bench.waits.events else POLL,
        )
        begin_hold(bench, deployed, converged)
        _name_parts(bench, deployed, converged, phase=phase or "converge")
    with bench.span("whose things there are now", phase or "converge"):
        bench.holdings.confirm(deployed.name)
    signs_held = "the app's own signs that it serves"
    with bench.span("ready", phase or "ready", action=READY, waits_for=signs_held):
        wait_ready(bench, deployed, signs, phase=phase or "ready")
    with bench.span("what runs of it now", phase or "ready"):
        deployed.running = bench.driver.running_images(deployed.stack.name)
        begins_to_serve(bench, deployed)


def _join_proxy(bench: Bench, deployed: Deployed, *, phase: Phase) -> None:
    if bench.node.proxy_container:
        with bench.span(TEXT[JOIN_PROXY], phase, action=JOIN_PROXY):
            # its own names lead an app to its own proxy, whoever else has them
            names = (deployed.domain, *deployed.certified) if deployed.address else ()
            bench.engine.connect_network(
                deployed.proxy_network, bench.node.proxy_container, aliases=tuple(dict.fromkeys(names))
            )


def _schedule(deployed: Deployed, service: str) -> dict[str, str | float]:
    """How often the recipe has a service looked at, and where it says so."""
    known = deployed.stack.services.get(service)
    if known is None or known.healthcheck is None:
        return {}
    source = deployed.stack.source(f"services.{service}.healthcheck.interval")
    return {"interval_seconds": known.healthcheck.interval, **({"place": str(source)} if source else {})}


def _name_parts(bench: Bench, deployed: Deployed, converged: Convergence, *, phase: Phase) -> None:
    """Record what each service's start was made of, from the engine's own stamps."""
    for timeline in converged.timelines:
        service = timeline.service
        for action, start, end in timeline.intervals():
            name = f"{service}: {TEXT[action]}"
            span = bench.record(name, phase, start=start, end=end, action=action, service=service)
            if action == BOOT_HEALTHY:
                span.note(looks=timeline.times_looked)
            for look in timeline.looks(converged.timelines) if action == BOOT_HEALTHY else ():
                bench.record(
                    f"{service}: {TEXT[look.action].format(look.waits_for)}",
                    phase,
                    start=look.start,
                    end=look.end,
                    parent=span,
                    kind="wait",
                    action=look.action,
                    service=service,
                    waits_for=f"the health check of {look.waits_for} to say yes",
                    **_schedule(deployed, look.waits_for),
                )
    true_at, seen_at = converged.condition_true_at, converged.seen_at
    bench.record("poll_slack: converge", phase, start=true_at, end=seen_at, kind="wait", action=POLL_SLACK)
    bench.record(
        "hold: still converged",
        phase,
        start=seen_at,
        end=converged.noticed_at,
        kind="wait",
        action=HOLD,
        waits_for="the stack to stay converged",
        because=bench.waits.stability_because,
    )
