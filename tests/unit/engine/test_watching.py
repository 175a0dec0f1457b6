import msgspec
import pytest

from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.labels import SERVICE, STACK
from cc_ci.engine.state import (
    Container,
    ContainerState,
    EngineEvent,
    HealthCheck,
    Listed,
    ServiceState,
    StackSnapshot,
    TaskState,
    UpdateStatus,
)
from cc_ci.engine.timelines import ServiceTimeline
from cc_ci.engine.watching import IDLE, POLL, Watch, wait_gone
from cc_ci.errors import InfrastructureError, StageFailed
from cc_ci.system.units import EpochSeconds
from cc_ci.timing.actions import (
    BETWEEN_LOOKS,
    BOOT_HEALTHY,
    CREATE_CONTAINER,
    FAILED_STARTS,
    FIRST_LOOK,
    OTHER_HEALTHY,
    PREPARE_TASK,
    REPORT,
    RESTART_DELAY,
    SAID_NO,
)

PLAIN = {STACK: "s", SERVICE: "s_app"}


def shown(engine: FakeEngine, state: str, at: float, **over: object) -> StackSnapshot:
    fields = {"id": "app", "name": "app", "image": "i:1", "desired": 1, "running": int(state == "running")}
    task = TaskState(
        id="t", service="app", state=state, desired="running", stamp=at, created=engine.clock.now()
    )
    return StackSnapshot(stack="s", services=(ServiceState(**{**fields, **over}),), tasks=(task,))


def told(
    action: str, at: float, detail: str = "", container: str = "c", code: int | None = None
) -> EngineEvent:
    attributes = PLAIN if code is None else {**PLAIN, "exitCode": str(code)}
    return EngineEvent(
        kind="container", action=action, id=container, at=at, detail=detail, attributes=attributes
    )


def watch(engine: FakeEngine) -> Watch:
    return Watch(engine, engine.clock, stack="s", expected=["app"], since=engine.clock.now())


def booted(after: float = 60.0) -> FakeEngine:
    engine = FakeEngine()
    t0 = engine.clock.now()
    engine.happens(
        told("create", t0 + 1), told("start", t0 + 2), told("health_status", t0 + after, "healthy")
    )
    engine.script(shown(engine, "starting", t0), at=t0)
    engine.script(shown(engine, "running", t0 + after + 0.05), at=t0 + after + 0.05)
    return engine


def test_an_event_ends_the_wait_within_one_look() -> None:
    engine = booted()
    t0 = engine.clock.now()
    converged = watch(engine).wait(timeout=90, stable_for=0)
    assert converged.condition_true_at == t0 + 60.05
    assert converged.condition_true_at <= converged.noticed_at <= t0 + 60 + 2 * POLL


def test_while_nothing_happens_the_engine_is_hardly_asked() -> None:
    engine = booted(after=100.0)
    watch(engine).wait(timeout=200, stable_for=0)
    looks = sum(call == "stack" for call, _ in engine.calls)
    assert looks < 140


def test_timelines_are_the_engines_own_stamps() -> None:
    engine = booted()
    (timeline,) = watch(engine).wait(timeout=90, stable_for=0).timelines
    parts = [(action, round(end - start, 2)) for action, start, end in timeline.intervals()]
    assert parts == [
        (PREPARE_TASK, 1.0),
        (CREATE_CONTAINER, 1.0),
        (BOOT_HEALTHY, 58.0),
        (REPORT, 0.05),
    ]


def test_a_boot_is_split_where_its_health_check_last_said_no() -> None:
    engine = booted()
    t0 = engine.clock.now()
    answers = ((32, 1), (59.9, 0), (60.01, 1))
    engine.happens(*(told("exec_die", t0 + after, code=code) for after, code in answers))
    (timeline,) = watch(engine).wait(timeout=90, stable_for=0).timelines
    assert [(look.action, round(look.end - look.start, 2)) for look in timeline.looks()] == [
        (SAID_NO, 30.0),
        (BETWEEN_LOOKS, 28.0),
    ]


def test_the_time_of_tries_that_ended_is_named() -> None:
    engine = FakeEngine()
    t0 = engine.clock.now()
    engine.happens(told("die", t0 + 1, container="earlier", code=1))
    second = TaskState(
        id="t", service="app", state="running", desired="running", stamp=t0 + 12, created=t0 + 9
    )
    service = ServiceState(id="app", name="app", image="i:1", desired=1, running=1, updated=t0)
    engine.script(StackSnapshot(stack="s", services=(service,), tasks=(second,)), at=t0 + 12)
    (timeline,) = watch(engine).wait(timeout=90, stable_for=0).timelines
    assert next(timeline.intervals()) == (FAILED_STARTS, t0, t0 + 9)


def test_what_lies_before_another_service_was_healthy_is_told_apart() -> None:
    app = ServiceTimeline(service="app", started=1.0, refused=31.0, healthy=61.0)
    early = ServiceTimeline(service="db", started=0.5, healthy=11.0)
    late = ServiceTimeline(service="db", started=0.5, healthy=31.5)
    assert list(app.looks([app, early])) == [
        (OTHER_HEALTHY, "db", 1.0, 11.0),
        (SAID_NO, "app", 11.0, 31.0),
        (BETWEEN_LOOKS, "app", 31.0, 61.0),
    ]
    assert list(app.looks([late, app])) == [
        (OTHER_HEALTHY, "db", 1.0, 31.0),
        (BETWEEN_LOOKS, "app", 31.0, 61.0),
    ]
    assert next(late.looks([app])).action == FIRST_LOOK


def test_after_a_try_that_ended_swarm_waits_before_the_next() -> None:
    timeline = ServiceTimeline(
        service="app", asked=0, ended_tries=1, task_created=9, created=9.1, started=14.2, healthy=44.2
    )
    assert [action for action, _, _ in timeline.intervals()] == [
        FAILED_STARTS,
        PREPARE_TASK,
        RESTART_DELAY,
        BOOT_HEALTHY,
    ]


def test_a_boot_that_was_healthy_at_the_first_look_has_one_part() -> None:
    (timeline,) = watch(booted()).wait(timeout=90, stable_for=0).timelines
    assert [look.action for look in timeline.looks()] == [FIRST_LOOK]


def test_what_has_converged_is_held_for_as_long_as_asked() -> None:
    engine = booted(after=10.0)
    converged = watch(engine).wait(timeout=90, stable_for=5)
    assert converged.noticed_at - converged.seen_at == pytest.approx(5, abs=0.01)


@pytest.mark.parametrize("monitor", [9.0, 2.0])
def test_a_services_own_monitor_takes_the_place_of_the_hold(monitor: float) -> None:
    engine = FakeEngine()
    engine.script(shown(engine, "running", engine.clock.now(), monitor=monitor))
    converged = watch(engine).wait(timeout=90, stable_for=5)
    assert converged.noticed_at - converged.seen_at == pytest.approx(monitor, abs=0.01)


def test_swarms_monitor_of_an_update_and_the_hold_run_at_once() -> None:
    """Docker's client counts from when the tasks run, and not from the end of the update."""
    engine = FakeEngine()
    t0 = engine.clock.now()
    engine.script(shown(engine, "running", t0, update=UpdateStatus(state="updating", started=t0)))
    done = UpdateStatus(state="completed", started=t0, completed=EpochSeconds(t0 + 5))
    engine.script(shown(engine, "running", t0, update=done), at=t0 + 5)
    converged = watch(engine).wait(timeout=90, stable_for=5)
    assert converged.seen_at >= t0 + 5
    assert converged.noticed_at == pytest.approx(t0 + 5, abs=IDLE)
    assert converged.noticed_at - converged.seen_at <= POLL


def test_each_service_is_held_for_itself_and_all_at_once() -> None:
    engine = FakeEngine()
    t0 = engine.clock.now()
    early = shown(engine, "running", t0)
    database = msgspec.structs.replace(early.services[0], id="db", name="db", monitor=8.0)
    late = msgspec.structs.replace(early.services[0], running=0)
    engine.script(msgspec.structs.replace(early, services=(database, late)))
    engine.script(msgspec.structs.replace(early, services=(database, early.services[0])), at=t0 + 4)
    converged = watch(engine).wait(timeout=90, stable_for=5)
    assert converged.noticed_at == pytest.approx(t0 + 9, abs=IDLE)


def test_a_job_that_is_done_is_held_no_longer() -> None:
    engine = FakeEngine()
    engine.script(shown(engine, "complete", engine.clock.now(), mode="replicated-job", running=1))
    converged = watch(engine).wait(timeout=90, stable_for=5)
    assert converged.noticed_at == converged.seen_at


def test_a_hold_begins_anew_when_the_stack_falls_back() -> None:
    engine = booted(after=10.0)
    t0 = engine.clock.now()
    engine.script(shown(engine, "starting", t0 + 12), at=t0 + 12)
    engine.script(shown(engine, "running", t0 + 20), at=t0 + 20)
    engine.happens(told("die", t0 + 12))
    converged = watch(engine).wait(timeout=90, stable_for=5)
    assert converged.condition_true_at == t0 + 20
    assert converged.noticed_at >= t0 + 25


def test_the_deadline_says_what_was_last_seen() -> None:
    engine = FakeEngine()
    engine.script(shown(engine, "preparing", engine.clock.now()))
    with pytest.raises(StageFailed, match="not up after 30 s: app: 0/1 running, newest task preparing"):
        watch(engine).wait(timeout=30, stable_for=0)


def test_a_crash_loop_ends_the_wait_at_its_third_exit() -> None:
    engine = FakeEngine()
    t0 = engine.clock.now()
    engine.script(shown(engine, "starting", t0))
    engine.happens(*(told("die", t0 + 6 * n, container=f"c{n}") for n in range(1, 9)))
    with pytest.raises(StageFailed, match="service app: ended 3 times in 12 s"):
        watch(engine).wait(timeout=1200, stable_for=0)
    assert engine.clock.now() - t0 < 19


def looked_at(
    engine: FakeEngine,
    *said: str,
    health: str = "unhealthy",
    id_: str = "c1",
    at: float = 1.0,
    failures: int = 0,
) -> None:
    container = Container(
        id=id_, name="app", labels=PLAIN, created=EpochSeconds(at), state="exited", image="i:1", image_id="x"
    )
    engine.has("container", container)
    engine.states[id_] = ContainerState(
        id=id_,
        state="exited",
        pid=None,
        exit_code=137,
        oom_killed=False,
        health=health,
        health_output=said,
        created=EpochSeconds(at),
        started=EpochSeconds(at),
        finished=EpochSeconds(at),
        addresses={},
        health_failures=failures,
    )


def crashed(engine: FakeEngine) -> str:
    t0 = engine.clock.now()
    engine.happens(*(told("die", t0 + at, container=f"c{at}", code=137) for at in (6, 12, 18)))
    with pytest.raises(StageFailed) as caught:
        watch(engine).wait(timeout=300, stable_for=0)
    return str(caught.value)


def test_the_message_of_a_crash_loop_has_what_the_health_check_said() -> None:
    engine = FakeEngine()
    engine.script(shown(engine, "starting", engine.clock.now()), at=engine.clock.now())
    looked_at(engine, "wait", "curl: (7)\n  database: password authentication failed \n\n")
    looked_at(engine, health="starting", id_="c2", at=2.0)
    assert crashed(engine).endswith("; its health check said: database: password authentication failed")


STAMP = "2026-11-26T01:39:40.288868740Z"


def test_the_message_of_a_crash_loop_has_the_last_line_of_the_newest_that_ended_badly() -> None:
    engine = FakeEngine()
    engine.script(shown(engine, "starting", engine.clock.now()), at=engine.clock.now())
    looked_at(engine, "no answer", id_="c1", at=1.0)
    looked_at(engine, id_="c2", at=2.0)
    engine.log_texts = {
        "c1": f"{STAMP} began\n{STAMP} step 2 of 3: no space for the index\n{STAMP} \n",
        "c2": " \n",
    }
    said = "; its last words: step 2 of 3: no space for the index; its health check said: no answer"
    assert crashed(engine).endswith(said)
    engine.log_texts["c2"] = "no such \x1b[2Jtable\n"
    assert "; its last words: no such \\x1b[2Jtable; " in crashed(engine)


def test_a_health_check_that_says_nothing_is_told_so_and_one_that_is_content_is_not_quoted() -> None:
    engine = FakeEngine()
    engine.script(shown(engine, "starting", engine.clock.now()), at=engine.clock.now())
    looked_at(engine, " \n")
    assert crashed(engine).endswith("; its health check said: nothing, and failed")
    looked_at(engine, "all is well", health="healthy")
    assert "health check" not in crashed(engine)


def test_at_the_deadline_each_service_has_its_own_words() -> None:
    engine = FakeEngine()
    t0 = engine.clock.now()
    engine.script(shown(engine, "starting", t0), at=t0)
    looked_at(engine, "no such table: users\x1b[2J", health="starting")
    with pytest.raises(StageFailed) as caught:
        watch(engine).wait(timeout=10, stable_for=0)
    assert str(caught.value) == (
        "not up after 10 s: app: 0/1 running, newest task starting;"
        " its health check said: no such table: users\\x1b[2J"
    )


def test_where_the_engine_has_no_words_the_message_is_as_it_was() -> None:
    engine = FakeEngine()
    engine.script(shown(engine, "starting", engine.clock.now()), at=engine.clock.now())
    engine.fail("containers")
    assert crashed(engine).endswith("exit code 137 (killed: out of memory, or by SIGKILL)")


def test_an_engine_that_fails_is_not_the_recipes_fault() -> None:
    engine = booted().fail("stack")
    with pytest.raises(InfrastructureError):
        watch(engine).wait(timeout=90, stable_for=0)


def test_a_removed_stack_is_gone_when_its_last_network_is() -> None:
    engine = FakeEngine()
    labels = {STACK: "s"}
    engine.has("network", Listed(id="n", name="s_default", labels=labels, created=engine.clock.now()))
    with pytest.raises(InfrastructureError, match="stack s: networks still there 20 s after its removal"):
        wait_gone(engine, engine.clock, engine.events(since=engine.clock.now()), "s", timeout=20)
    engine.remove_network("n")
    before = engine.clock.now()
    wait_gone(engine, engine.clock, engine.events(since=before), "s", timeout=20)
    assert engine.clock.now() == before


REFUSED = "  % Total\ncurl: (7) Failed to connect to localhost port 8080: Connection refused\n"
GONE = "OCI runtime exec failed: exec failed: unable to start container process: exit status 1: unknown"


def placed(engine: FakeEngine) -> Watch:
    return Watch(
        engine,
        engine.clock,
        stack="s",
        expected=["app"],
        since=engine.clock.now(),
        place={"services.app.healthcheck.test": "compose.yml:31"}.get,
    )


@pytest.mark.parametrize("state", ["complete", "failed"])
def test_an_app_that_its_own_health_check_killed_is_unhealthy_whatever_it_ended_with(state: str) -> None:
    engine = FakeEngine()
    t0 = engine.clock.now()
    engine.script(shown(engine, "starting", t0, restart="on-failure"), at=t0)
    ended = shown(engine, state, t0 + 5, restart="on-failure")
    code = 0 if state == "complete" else 143
    task = msgspec.structs.replace(ended.tasks[0], exit_code=code, desired="shutdown")
    engine.script(msgspec.structs.replace(ended, tasks=(task,)), at=t0 + 5)
    looked_at(engine, REFUSED, REFUSED, GONE, failures=3)
    with pytest.raises(StageFailed) as caught:
        placed(engine).wait(timeout=60, stable_for=0)
    said = str(caught.value)
    assert said.startswith(
        "service app: unhealthy: curl: (7) Failed to connect to localhost port 8080: Connection refused"
        f" (compose.yml:31); so: ended with exit code {code}"
    )
    # it did not end by design, and what the check said is said once
    assert "suite.toml" not in said
    assert "health check said" not in said


def test_an_app_that_ended_by_itself_before_its_check_gave_it_up_is_not_unhealthy() -> None:
    engine = FakeEngine()
    engine.script(shown(engine, "starting", engine.clock.now()), at=engine.clock.now())
    looked_at(engine, REFUSED, failures=2)
    assert "unhealthy: " not in crashed(engine)
    looked_at(engine, REFUSED, failures=3)
    assert "service app: unhealthy: curl: (7)" in crashed(engine)
    # a container's own number: after a rollback the service has that of the version before
    engine.states["c1"] = msgspec.structs.replace(engine.states["c1"], health_check=HealthCheck(retries=10))
    assert "unhealthy: " not in crashed(engine)


def test_at_the_deadline_the_check_that_gave_an_app_up_comes_first() -> None:
    engine = FakeEngine()
    t0 = engine.clock.now()
    engine.script(shown(engine, "starting", t0), at=t0)
    looked_at(engine, "/bin/sh: curl: not found", failures=4)
    with pytest.raises(StageFailed) as caught:
        placed(engine).wait(timeout=10, stable_for=0)
    assert str(caught.value) == (
        "service app: unhealthy: /bin/sh: curl: not found (compose.yml:31); "
        "not up after 10 s: app: 0/1 running, newest task starting"
    )
