"""A service whose start_period is the overlay's is judged by its recipe's own schedule."""

import pytest

from cc_ci.engine.convergence import Converged, ConvergenceVerdict, Converging, Failed, judge
from cc_ci.engine.history import EngineHistory, hear, see
from cc_ci.engine.labels import SERVICE, STACK
from cc_ci.engine.own_schedule import OwnSchedule
from cc_ci.engine.state import EngineEvent, HealthCheck, ServiceState, StackSnapshot
from cc_ci.system.units import EpochSeconds, Seconds

T0 = 1000.0
EVERY = 0.5
OWN = OwnSchedule(
    check=HealthCheck(interval=30, timeout=10, retries=3), looked_every=EVERY, place="compose.yml:14: "
)
LAST_LOOK = 90.0


def event(
    action: str, at: float, *, service: str = "app", container: str = "c1", detail: str = "", code: str = "1"
) -> EngineEvent:
    labels = {STACK: "s", SERVICE: f"s_{service}", "exitCode": code}
    return EngineEvent(
        kind="container",
        action=action,
        id=container,
        at=EpochSeconds(T0 + at),
        detail=detail,
        attributes=labels,
    )


def looks(until: float, *, each: Seconds = 0.0) -> list[EngineEvent]:
    """What the engine tells of a check that says no until then, `each` being how long a look takes."""
    found, at = [event("start", 0.0)], EVERY + each
    while at <= until:
        found.append(event("exec_die", at))
        at += EVERY + each
    return found


def judged(
    events: list[EngineEvent], *, now: float, others: tuple[ServiceState, ...] = (), running: int = 0
) -> ConvergenceVerdict:
    history = EngineHistory(stack="s", since=EpochSeconds(T0), schedules={"app": OWN})
    app = ServiceState(id="app", name="app", image="i:1", desired=1, running=running)
    snapshot = StackSnapshot(stack="s", services=(app, *others))
    for one in events:
        history = hear(history, one)
    history = see(history, snapshot)
    return judge(snapshot, history, expected=["app"], now=EpochSeconds(T0 + now))


def test_an_app_that_says_no_until_its_last_look_fails_with_the_second_at_which_swarm_kills_it() -> None:
    found = judged(looks(LAST_LOOK + 1), now=LAST_LOOK + 1)
    assert isinstance(found, Failed)
    assert found.reason == (
        "compose.yml:14: services.app.healthcheck: not healthy in time: Swarm kills it 90 s after its start, "
        "by its interval of 30 s and 3 retries; give it a start_period"
    )


def test_one_that_says_yes_before_its_last_look_is_sound() -> None:
    events = [*looks(LAST_LOOK - 1), event("health_status", LAST_LOOK - 0.5, detail="healthy")]
    assert isinstance(judged(events, now=LAST_LOOK, running=1), Converged)


def test_one_that_said_no_after_it_and_yes_then_has_failed_all_the_same() -> None:
    events = [*looks(LAST_LOOK + 1), event("health_status", LAST_LOOK + 2, detail="healthy")]
    assert isinstance(judged(events, now=LAST_LOOK + 2, running=1), Failed)


def test_looks_that_take_long_come_later_in_swarm_too() -> None:
    events = looks(LAST_LOOK + 15, each=8.0)
    assert isinstance(judged(events, now=LAST_LOOK + 15), Converging)
    late = judged(looks(LAST_LOOK + 40, each=8.0), now=LAST_LOOK + 40)
    assert isinstance(late, Failed)
    assert "Swarm kills it 114 s after its start" in late.reason


def test_a_check_that_never_answers_is_given_its_timeout_for_each_look() -> None:
    hanging = [event("start", 0.0)]
    assert isinstance(judged(hanging, now=LAST_LOOK + 25), Converging)
    assert isinstance(judged(hanging, now=LAST_LOOK + 40), Failed)


def test_a_container_that_was_started_anew_has_all_its_time_again() -> None:
    again = [*looks(60.0), event("start", 61.0, container="c2"), event("exec_die", 100.0, container="c2")]
    assert isinstance(judged(again, now=101.0), Converging)


@pytest.mark.parametrize("ready", [False, True])
def test_a_kill_is_excused_while_another_service_is_not_ready(*, ready: bool) -> None:
    db = ServiceState(id="db", name="db", image="d:1", desired=1, running=int(ready))
    found = judged(looks(LAST_LOOK + 1), now=LAST_LOOK + 1, others=(db,))
    assert isinstance(found, Failed if ready else Converging)


def test_one_that_was_late_gives_the_app_its_time_from_then_on() -> None:
    db = ServiceState(id="db", name="db", image="d:1", desired=1, running=1)
    healthy = event("health_status", 95.0, service="db", container="d1", detail="healthy")
    assert isinstance(judged([*looks(100.0), healthy], now=101.0, others=(db,)), Converging)
    late = judged([*looks(95.0 + LAST_LOOK + 1), healthy], now=95.0 + LAST_LOOK + 1, others=(db,))
    assert isinstance(late, Failed)
    assert "kills it 185 s after its start" in late.reason
