"""Deploy a stack, see it converge by the engine's events, and wait for the app's own signs that it serves."""

from cc_ci.engine.stack_driver import Convergence
from cc_ci.engine.timelines import BOOT
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.readying import predicates, wait_ready
from cc_ci.system.units import EpochSeconds
from cc_ci.timing.phases import JOINING, POLL_SLACK, Phase
from cc_ci.timing.trace import OpenSpan


def deploy(bench: Bench, deployed: Deployed, *, phase: Phase | None = None) -> None:
    """Deploy for the first time; afterwards the app serves. `phase` as for `roll_out`."""
    _join_proxy(bench, deployed, phase=phase or "deploy")
    roll_out(bench, deployed, phase=phase)


def redeploy(bench: Bench, deployed: Deployed) -> None:
    """Deploy again on the volumes that are there: an app has in memory what was before the restore.

    Its parts are phases of their own, as a first deploy's are: what is left to `restore` is copying data.
    """
    with bench.span(
        "undeploy, volumes stay", "teardown", waits_for="tasks and networks of the stack to be gone"
    ):
        bench.driver.remove(deployed.stack.name, wait=True)
    roll_out(bench, deployed, phase=None)


def roll_out(bench: Bench, deployed: Deployed, *, phase: Phase | None) -> None:
    """Hand the stack to Swarm, and return when it has converged and the app serves.

    `phase` is that of the whole, None for the three phases of a deploy.
    """
    signs = predicates(bench, deployed)
    deployed.since = bench.engine.now()
    with bench.span("docker stack deploy", phase or "deploy", waits_for="docker stack deploy"):
        bench.driver.deploy(deployed.app, deployed.folder, resolve_image=bench.waits.resolve_image)
    with bench.span("converge", phase or "converge", waits_for="all tasks to run and be healthy"):
        converged = bench.driver.converge(
            deployed.stack,
            since=deployed.since,
            timeout=deployed.app.timeout,
            stable_for=bench.waits.stability,
        )
        _name_parts(bench, converged, phase=phase or "converge")
    with bench.span("ready", phase or "ready", waits_for="the app's own signs that it serves"):
        wait_ready(bench, deployed, signs, phase=phase or "ready")
    deployed.running = bench.driver.running_images(deployed.stack.name)


def _join_proxy(bench: Bench, deployed: Deployed, *, phase: Phase) -> None:
    if bench.node.proxy_container:
        with bench.span(JOINING, phase):
            bench.engine.connect_network(deployed.proxy_network, bench.node.proxy_container)


def _name_parts(bench: Bench, converged: Convergence, *, phase: Phase) -> None:
    """Record what each service's start was made of, from the engine's own stamps."""
    for timeline in converged.timelines:
        for name, start, end in timeline.intervals():
            span = _record(bench, f"{timeline.service}: {name}", phase=phase, start=start, end=end)
            for look in timeline.looks(converged.timelines) if name == BOOT else ():
                inner = f"{timeline.service}: {look.name}"
                _record(bench, inner, phase=phase, start=look.start, end=look.end, parent=span).note(
                    waits_for=f"the health check of {look.waits_for} to say yes"
                )
    _record(
        bench,
        f"{POLL_SLACK}: converge",
        phase=phase,
        start=converged.condition_true_at,
        end=converged.seen_at,
    )
    _record(
        bench, "hold: still converged", phase=phase, start=converged.seen_at, end=converged.noticed_at
    ).note(waits_for="the stack to stay converged", because=bench.waits.stability_because)


def _record(
    bench: Bench,
    name: str,
    *,
    phase: Phase,
    start: EpochSeconds,
    end: EpochSeconds,
    parent: OpenSpan | None = None,
) -> OpenSpan:
    begun, ended = (bench.trace.monotonic_at(stamp, ahead=bench.engine_ahead) for stamp in (start, end))
    return bench.trace.record(name, phase=phase, start=begun, end=ended, parent=parent)
