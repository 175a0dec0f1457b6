"""The time for which an app has to live on before it counts, where that runs beside the stage's work.

It is waited out before whatever changes or removes the app, and only for what the work has left of it.
"""

from collections.abc import Iterator

from cc_ci.engine.watching import Convergence
from cc_ci.recipes.stack import Stack
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.living import require_living
from cc_ci.system.units import Seconds
from cc_ci.system.waiting import WaitTimeout, wait_until
from cc_ci.timing.actions import HOLD

LEAST_LIFE: Seconds = 10.0
"""For which one deployment of a run is seen to live, however little is done with it."""
LOOK: Seconds = 0.5


def begin_hold(bench: Bench, deployed: Deployed, converged: Convergence) -> None:
    """From now on it has to live for as long as Docker's own waiter would look at it."""
    deployed.up_at = converged.seen_at
    deployed.hold = max([bench.waits.stability, *_monitors(deployed.stack)])


def _monitors(stack: Stack) -> Iterator[Seconds]:
    """For how long its recipe has Swarm watch an update; where it says so, Docker's waiter looks as long."""
    for name, service in stack.services.items():
        said = stack.merged.tree["services"][name].get("deploy", {}).get("update_config") or {}
        if service.deploy.update_config and "monitor" in said:
            yield service.deploy.update_config.monitor


def wait_out(bench: Bench, deployed: Deployed, *, during: str, least: Seconds = 0.0) -> None:
    """Return when that time is over, or `least` seconds if that is longer, and the app still lives.

    Raises StageFailed for an app that ended meanwhile. Without the lever nothing is left to wait for.
    """
    if not bench.waits.events or deployed.serves_since is None or deployed.up_at is None:
        return
    left = deployed.up_at + max(deployed.hold, least) - bench.engine.now()
    if left <= 0:
        return
    what = "the app to have lived for long enough"
    with bench.span("hold: still up", "converge", kind="wait", action=HOLD, waits_for=what):
        try:
            wait_until(
                lambda: require_living(bench, deployed, during=during),
                name="the hold",
                ready=lambda _: False,
                timeout=left,
                clock=bench.clock,
                interval=LOOK,
            )
        except WaitTimeout:
            return
