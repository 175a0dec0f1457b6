"""Whether an app that serves goes on doing so: what ends of it later is its own fault."""

from collections.abc import Iterator

from cc_ci.engine.labels import SERVICE, STACK
from cc_ci.engine.last_health import health_words
from cc_ci.engine.last_words import spoken
from cc_ci.engine.state import Container, ContainerState
from cc_ci.errors import InfrastructureError, StageFailed
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.system.exit_codes import with_meaning
from cc_ci.system.printable import one_line
from cc_ci.system.units import EpochSeconds
from cc_ci.system.waiting import WaitTimeout, wait_until

OVER = ("exited", "dead")
LAST_LINES = 3
LONGEST_SOAK = 3600.0
SHORTEST_SOAK = 60.0
"""Seconds that an operator would look at an app for, before she believes it."""


def begins_to_serve(bench: Bench, deployed: Deployed) -> None:
    """Remember what has ended by now: an app may take several starts to come up."""
    deployed.serves_since = bench.engine.now()
    deployed.ended = frozenset(one.id for one in _over(bench, deployed))


def served_until_now(bench: Bench, deployed: Deployed) -> None:
    """Keep how long the app has served: it is about to be taken down, or to be told to start anew."""
    if deployed.serves_since is not None:
        bench.findings.uptimes.append(bench.engine.now() - deployed.serves_since)
        deployed.serves_since = None


def require_living(bench: Bench, deployed: Deployed, *, during: str) -> None:
    """Raise StageFailed where a container ended that nobody told to, with its last words.

    `during` names what went on. Nothing is asked of an app that does not serve yet. Raises
    InfrastructureError where Swarm itself told it to.
    """
    ended = list(_ended(bench, deployed)) if deployed.serves_since is not None else []
    if not ended:
        return
    # whatever runs of it by now is between two starts, and is not asked how it stops
    deployed.running = {}
    told = _told_to(bench, deployed)
    if by_itself := next((one for one in ended if one.id not in told), None):
        raise StageFailed(_said(bench, deployed, by_itself, during=during))
    raise InfrastructureError(
        f"services.{_service(ended[0], deployed)}: Swarm shut a task of it down and started another, during "
        f"{during}; it takes its node for lost where the machine is too busy to answer in time"
    )


def soak(bench: Bench, deployed: Deployed) -> None:
    """Leave the app alone for two of its longest health interval, a minute at least, and see it live on."""
    checks = [one.healthcheck for one in deployed.stack.services.values() if one.healthcheck]
    length = min(LONGEST_SOAK, max([SHORTEST_SOAK, *(2 * check.interval for check in checks)]))
    try:
        wait_until(
            lambda: require_living(bench, deployed, during=f"a soak of {length:g} s"),
            name="the soak",
            ready=lambda _: False,
            timeout=length,
            clock=bench.clock,
            interval=1.0,
        )
    except WaitTimeout:
        return


def _told_to(bench: Bench, deployed: Deployed) -> set[str]:
    """Containers of tasks that Swarm shut down; one that ends by itself, or is unhealthy, fails."""
    tasks = bench.engine.stack(deployed.stack.name).tasks
    return {task.container for task in tasks if task.state == "shutdown" and task.container}


def _over(bench: Bench, deployed: Deployed) -> Iterator[Container]:
    for container in bench.engine.containers({STACK: deployed.stack.name}):
        if container.state in OVER:
            yield container


def _ended(bench: Bench, deployed: Deployed) -> Iterator[Container]:
    by_design = deployed.stack.ends
    for container in _over(bench, deployed):
        if container.id not in deployed.ended and _service(container, deployed) not in by_design:
            yield container


def _service(container: Container, deployed: Deployed) -> str:
    return container.labels.get(SERVICE, "").removeprefix(f"{deployed.stack.name}_")


def _said(bench: Bench, deployed: Deployed, ended: Container, *, during: str) -> str:
    service = _service(ended, deployed)
    state = bench.engine.container(ended.id)
    place = deployed.stack.source(f"services.{service}.image")
    where = f"{place}: " if place else ""
    lines = spoken(bench.redact(bench.engine.container_logs(ended.id)))
    words = " / ".join(one_line(line) for line in lines[-LAST_LINES:]) or "it said nothing"
    how = f"{_unhealthy(deployed, service, state)}{_how(state, deployed.serves_since)}"
    return f"{where}services.{service}: {how}, during {during}; last words: {words}"


def _unhealthy(deployed: Deployed, service: str, state: ContainerState | None) -> str:
    """What its health check said, where that ended it, and where the recipe has the check."""
    if state is None or not state.refused:
        return ""
    place = deployed.stack.source(f"services.{service}.healthcheck.test")
    return f"unhealthy: {health_words(state)}" + (f" ({place})" if place else "") + "; so it "


def _how(state: ContainerState | None, since: EpochSeconds | None) -> str:
    if state is None or state.finished is None or since is None:
        return "ended although it served"
    code = with_meaning(state.exit_code or 0)
    why = "ran out of memory" if state.oom_killed else f"ended with {code}"
    return f"{why} {state.finished - since:.0f} s after it began to serve"
