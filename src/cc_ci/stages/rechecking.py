"""The health checks of an app that serves, run once more: one may say yes once, and never again.

Swarm would notice after its interval and all retries. Where a run is over before that, nobody would.
"""

import msgspec

from cc_ci.engine.labels import STACK
from cc_ci.engine.state import ContainerState, HealthCheck
from cc_ci.errors import CommandFailed, StageFailed
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.living import require_living
from cc_ci.system.printable import one_line
from cc_ci.system.threads import Pool
from cc_ci.system.units import Seconds

LONGEST_DOUBT: Seconds = 20.0
MOST_LOOKS = 10
"""A check that says no all this time, and so often or as often as its retries, is not busy but broken."""
PAUSE: Seconds = 0.5


class _Watched(msgspec.Struct, frozen=True, kw_only=True):
    container: str
    service: str
    check: HealthCheck


def require_healthy(bench: Bench, deployed: Deployed, *, during: str) -> None:
    """Raise StageFailed for a service whose check said yes and does not any more; all are asked at once.

    As by the engine it takes as many looks in a row as the check has retries; one that says yes ends them.
    Nothing is asked of an app that does not serve yet.
    """
    if deployed.serves_since is None:
        return
    watched = list(_watched(bench, deployed))
    if not watched:
        return
    with bench.span("health checks once more", "verify") as span, Pool(len(watched)) as pool:
        span.note(looks=len(watched))
        said = list(pool.map(lambda one: _doubted(bench, deployed, one, during=during), watched))
    if fault := next((one for one in said if one), None):
        require_living(bench, deployed, during=during)
        deployed.running = {}
        raise StageFailed(fault)


def _watched(bench: Bench, deployed: Deployed) -> list[_Watched]:
    """What is healthy by the engine's own looks, or was: no service is asked before it first said yes."""
    running = (one for one in bench.engine.containers({STACK: deployed.stack.name}) if one.state == "running")
    states = (bench.engine.container(one.id) for one in running)
    return [_of(state, deployed) for state in states if state and state.health in ("healthy", "unhealthy")]


def _of(state: ContainerState, deployed: Deployed) -> _Watched:
    service = (state.service or "").removeprefix(f"{deployed.stack.name}_")
    return _Watched(container=state.id, service=service, check=state.health_check or HealthCheck())


def _doubted(bench: Bench, deployed: Deployed, one: _Watched, *, during: str) -> str | None:
    """Why the service is not healthy any more; None once its check says yes, or its container is gone."""
    begun, noes = bench.clock.monotonic(), 0
    least = min(one.check.tolerance, LONGEST_DOUBT)
    while (said := _look(bench, one)) is not None:
        noes += 1
        state = bench.engine.container(one.container)
        if state is None or state.state != "running":
            return None
        lasted = bench.clock.monotonic() - begun
        if noes >= min(one.check.retries, MOST_LOOKS) and lasted >= least:
            place = deployed.stack.place(f"services.{one.service}.healthcheck")
            return (
                f"{place}services.{one.service}.healthcheck: said yes once, and then no {noes} times in "
                f"{lasted:.0f} s, during {during}; last: {said}"
            )
        bench.clock.sleep(PAUSE)
    return None


def _look(bench: Bench, one: _Watched) -> str | None:
    """What the check said that was no yes."""
    if not one.check.test:
        return None
    try:
        done = bench.engine.exec(one.container, one.check.test, timeout=one.check.timeout)
    except CommandFailed as error:
        return one_line(str(error), most=200)
    words = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
    return None if done.ok else f"exit code {done.returncode}, and {one_line(words, most=200)}"
