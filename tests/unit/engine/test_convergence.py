"""The judge, held against what has gone wrong in other pipelines (the incidents are numbered there)."""

from typing import Any

import msgspec
import pytest

from cc_ci.engine.convergence import (
    CRASHES,
    NO_NODE_GRACE,
    Converged,
    ConvergenceVerdict,
    Converging,
    Failed,
    deadline,
    judge,
)
from cc_ci.engine.history import EngineHistory, hear, see
from cc_ci.engine.labels import SERVICE, STACK
from cc_ci.engine.state import (
    EngineEvent,
    HealthCheck,
    ServiceState,
    StackSnapshot,
    TaskState,
    UpdateState,
    UpdateStatus,
)
from cc_ci.errors import InfrastructureError

T0 = 1000.0
CHECK = HealthCheck(interval=30, timeout=10, retries=10, start_period=60)


def service(name: str = "app", *, running: int = 0, **over: Any) -> ServiceState:
    return ServiceState(id=name, name=name, image="i:1", desired=1, running=running, **over)


def task(name: str = "app", state: str = "starting", *, at: float = T0 + 1, **over: Any) -> TaskState:
    fields = {"id": f"{name}{at}", "desired": "running", "created": at, **over}
    return TaskState(service=name, state=state, stamp=at, **fields)


def snap(*services: ServiceState, tasks: tuple[TaskState, ...] = ()) -> StackSnapshot:
    return StackSnapshot(stack="s", services=services, tasks=tasks)


def event(
    action: str, *, name: str = "app", container: str = "c1", at: float = T0, **more: str
) -> EngineEvent:
    return EngineEvent(
        kind="container",
        action=action,
        id=container,
        at=at,
        detail=more.pop("detail", ""),
        attributes={STACK: "s", SERVICE: f"s_{name}", **more},
    )


def exits(history: EngineHistory, *stamps: float, name: str = "app") -> EngineHistory:
    for number, at in enumerate(stamps):
        died = event("die", name=name, container=f"{name}{number}", at=at, exitCode="1")
        history = hear(history, died)
    return history


def start(snapshot: StackSnapshot | None = None) -> EngineHistory:
    history = EngineHistory(stack="s", since=T0)
    return see(history, snapshot) if snapshot else history


def verdict(
    snapshot: StackSnapshot, history: EngineHistory | None = None, *, now: float = T0 + 10
) -> ConvergenceVerdict:
    seen = see(history or EngineHistory(stack="s", since=T0), snapshot)
    return judge(snapshot, seen, expected=[service.name for service in snapshot.services], now=now)


def test_all_replicas_of_the_present_spec_is_converged_since_the_last_of_them_ran() -> None:
    up = snap(
        service(running=1),
        service("db", running=1),
        tasks=(task(state="running", at=T0 + 3), task("db", "running", at=T0 + 5)),
    )
    assert verdict(up) == Converged(at=T0 + 5)


def test_a_service_that_is_not_there_yet_is_waited_for() -> None:
    up = snap(service(running=1), tasks=(task(state="running"),))
    judged = judge(up, start(up), expected=("app", "db"), now=T0)
    assert judged == Converging(waits_for=("db: not created yet",))


def test_incident_1_the_deadline_never_falls_into_a_start_period() -> None:
    booting = snap(service(health_check=CHECK), tasks=(task(),))
    history = hear(start(booting), event("start", at=T0 + 20))
    assert deadline(booting, history, timeout=30) == T0 + 20 + 60 + (30 + 10) * 10


def test_incident_1_a_restart_extends_the_deadline_no_further() -> None:
    booting = snap(service(health_check=CHECK), tasks=(task(),))
    history = hear(start(booting), event("start", at=T0 + 20))
    again = hear(history, event("start", container="c2", at=T0 + 200))
    assert deadline(booting, again, timeout=30) == deadline(booting, history, timeout=30)


def test_incident_2_a_slow_preparation_is_no_failure() -> None:
    pulling = snap(service(), tasks=(task(state="preparing"),))
    assert isinstance(verdict(pulling, now=T0 + 10_000), Converging)


@pytest.mark.parametrize("state", ["updating", "rollback_started"])
def test_incident_3_replicas_are_not_enough_while_an_update_is_under_way(state: UpdateState) -> None:
    up = snap(service(running=1, update=UpdateStatus(state=state)), tasks=(task(state="running"),))
    assert isinstance(verdict(up), Converging)


def test_incident_3_tasks_of_the_old_spec_are_not_the_new_service() -> None:
    old = task(state="running", current=False)
    assert isinstance(verdict(snap(service(running=0, outdated=1), tasks=(old,))), Converging)
    assert isinstance(verdict(snap(service(running=1, outdated=1), tasks=(old,))), Converging)


@pytest.mark.parametrize("state", ["paused", "rollback_paused", "rollback_completed"])
def test_incidents_3_and_4_an_update_that_will_not_go_on_fails_with_its_cause(state: UpdateState) -> None:
    failed = task(state="failed", at=T0 + 1, error="task: non-zero exit (1)", current=False)
    up = snap(
        service(running=1, update=UpdateStatus(state=state, message="update paused")),
        tasks=(task(state="running", at=T0 + 2), failed),
    )
    judged = verdict(up)
    assert isinstance(judged, Failed)
    assert "non-zero exit (1)" in judged.reason
    assert state.replace("_", " ") in judged.reason


def test_incident_5_a_crash_loop_fails_at_the_third_exit_inside_the_start_period() -> None:
    down = snap(service(health_check=CHECK), tasks=(task(),))
    two = exits(start(down), T0 + 6, T0 + 12)
    assert isinstance(verdict(down, two), Converging)
    three = exits(start(down), T0 + 6, T0 + 12, T0 + 18)
    assert verdict(down, three) == Failed(service="app", reason="ended 3 times in 12 s, last: exit code 1")


def test_incident_5_an_app_may_exit_while_its_database_is_not_ready() -> None:
    db_boots = snap(service(), service("db"), tasks=(task(), task("db")))
    many = exits(start(db_boots), *(T0 + 6 * n for n in range(1, 20)))
    assert isinstance(verdict(db_boots, many), Converging)


def test_incident_5_once_the_database_is_ready_the_apps_exits_count() -> None:
    db_boots = snap(service(), service("db"))
    db_up = snap(service(), service("db", running=1))
    history = see(exits(start(db_boots), T0 + 1, T0 + 2), db_up)
    for number in range(CRASHES):
        assert isinstance(verdict(db_up, history), Converging)
        history = hear(history, event("die", container=f"late{number}", at=T0 + 10 + number, exitCode="1"))
    assert isinstance(verdict(db_up, history), Failed)


def test_incident_5_two_that_crash_together_do_not_excuse_each_other() -> None:
    both = snap(service(), service("db"))
    history = start(both)
    for number in range(CRASHES + 1):
        for name in ("db", "app"):
            died = event("die", name=name, container=f"{name}{number}", at=T0 + number, exitCode="1")
            history = hear(history, died)
    assert isinstance(verdict(both, history), Failed)


def test_a_container_that_was_told_to_stop_did_not_crash() -> None:
    history = start(snap(service()))
    for number in range(CRASHES):
        for action in ("kill", "die"):
            history = hear(history, event(action, container=f"c{number}", at=T0 + number, exitCode="143"))
    assert history.exits == ()


def test_an_exit_told_by_event_and_task_counts_once_with_the_tasks_reason() -> None:
    history = exits(start(snap(service())), T0 + 1)
    failed = task(state="failed", container="app0", error="task: non-zero exit (1)", desired="shutdown")
    (only,) = see(history, snap(service(), tasks=(failed,))).exits
    assert (only.code, only.reason) == (1, "task: non-zero exit (1)")


def test_without_events_failed_tasks_alone_make_a_crash_loop() -> None:
    failed = tuple(task(state="failed", at=T0 + n, desired="shutdown") for n in range(CRASHES))
    assert isinstance(verdict(snap(service(), tasks=(*failed, task(at=T0 + 9)))), Failed)


def test_what_failed_before_this_deploy_does_not_count() -> None:
    failed = tuple(task(state="failed", at=T0 - 9 + n, desired="shutdown") for n in range(CRASHES))
    assert isinstance(verdict(snap(service(), tasks=(*failed, task()))), Converging)


def test_incident_10_the_health_check_that_killed_the_first_start_is_named() -> None:
    unhealthy = task(
        state="failed", at=T0 + 30, desired="shutdown", error="task: non-zero exit (137): unhealthy container"
    )
    later = tuple(
        task(state="failed", at=T0 + 40 + n, desired="shutdown", error="task: non-zero exit (1)")
        for n in range(2)
    )
    judged = verdict(snap(service(), tasks=(unhealthy, *later, task(at=T0 + 50))))
    assert isinstance(judged, Failed)
    assert judged.reason.endswith("last: exit code 1; at first its own health check killed it")


@pytest.mark.parametrize(
    "error",
    ["No such image: i:1", 'invalid mount config for type "bind": bind source path does not exist: /x'],
)
def test_a_rejected_task_that_no_retry_mends_fails_at_once(error: str) -> None:
    judged = verdict(snap(service(), tasks=(task(state="rejected", error=error, desired="shutdown"),)))
    assert judged == Failed(service="app", reason=f"task rejected: {error}")


@pytest.mark.parametrize(
    "why", ["host-mode port already in use on 1 node", "insufficient resources on 1 node"]
)
def test_a_task_without_a_node_fails_after_a_grace(why: str) -> None:
    error = f"no suitable node ({why})"
    waiting = snap(service(), tasks=(task(state="pending", error=error),))
    assert isinstance(verdict(waiting, now=T0 + NO_NODE_GRACE), Converging)
    late = verdict(waiting, now=T0 + 1 + NO_NODE_GRACE)
    # a port is somebody else's, unless the service's own old tasks have it
    assert late == Failed(service="app", reason=f"can't be placed: {error}", ours="port" in why)
    own = snap(service(outdated=1), tasks=(task(state="pending", error=error),))
    assert verdict(own, now=T0 + 60) == Failed(service="app", reason=f"can't be placed: {error}")


def test_a_service_that_is_never_started_again_fails() -> None:
    done = task(state="complete", at=T0 + 1, exit_code=0, desired="shutdown")
    ended = snap(service(restart="on-failure"), tasks=(done,))
    assert isinstance(verdict(ended, now=T0 + 2), Converging)
    judged = verdict(ended, now=T0 + 5)
    assert judged == Failed(
        service="app",
        reason="ended with exit code 0 (it ended by itself), and its restart policy (on-failure) does "
        "not start it again; if this is by design, name it under `ends` in suite.toml",
    )


def test_a_job_that_completed_is_converged() -> None:
    job = service(running=1, mode="replicated-job")
    done = task(state="complete", at=T0 + 4, desired="complete", exit_code=0)
    assert verdict(snap(job, tasks=(done,))) == Converged(at=T0 + 4)


def test_a_completed_update_is_converged_when_it_was() -> None:
    updated = service(running=1, update=UpdateStatus(state="completed", completed=T0 + 8))
    assert verdict(snap(updated, tasks=(task(state="running"),))) == Converged(at=T0 + 8)


def test_other_stacks_change_nothing() -> None:
    history = start(snap(service()))
    other = msgspec.structs.replace(event("die", exitCode="1"), attributes={STACK: "other"})
    assert hear(history, other) == history


@pytest.mark.parametrize(
    "error",
    [
        "Error starting userland proxy: listen tcp4 0.0.0.0:80: bind: address already in use",
        "starting container failed: Bind for 0.0.0.0:80 failed: port is already allocated",
        "endpoint: failed to bind host port for 0.0.0.0:80:10.2.1.3:8080/tcp: address already in use",
        "failed to bind host port 0.0.0.0:80/tcp: address already in use",
        "failed to bind host port for [::]:80:[fd00::2]:8080/tcp: address already in use",
    ],
)
def test_a_taken_port_is_named(error: str) -> None:
    failed = tuple(task(state="failed", at=T0 + n, desired="shutdown", error=error) for n in range(CRASHES))
    judged = verdict(snap(service(), tasks=failed))
    said = "ended 3 times in 2 s, last: port 80 is taken on the node"
    assert judged == Failed(service="app", reason=said, ours=True)
    assert isinstance(judged, Failed)
    assert isinstance(judged.error(), InfrastructureError)


def test_a_rejection_of_an_earlier_deploy_is_no_failure_of_this_one() -> None:
    rejected = task(state="rejected", at=T0 - 5, error="No such image: i:1", desired="shutdown")
    assert isinstance(verdict(snap(service(), tasks=(rejected, task()))), Converging)


def test_events_from_before_this_deploy_do_not_count() -> None:
    assert exits(start(snap(service())), T0 - 3, T0 - 2, T0 - 1).exits == ()


def by_design(snapshot: StackSnapshot, *, now: float = T0 + 60) -> ConvergenceVerdict:
    return verdict(snapshot, EngineHistory(stack="s", since=T0, ends=frozenset({"app"})), now=now)


def ended(at: float, *, code: int = 0, desired: str = "shutdown") -> TaskState:
    state = "failed" if code else "complete"
    return task(state=state, at=at, exit_code=code, desired=desired, error="boom" if code else "")


def test_a_service_that_ends_by_design_is_converged_once_it_ended_well() -> None:
    once = snap(service(restart="none"), tasks=(ended(T0 + 4),))
    assert by_design(once) == Converged(at=T0 + 4)
    assert isinstance(by_design(snap(service(restart="none"), tasks=(task(state="starting"),))), Converging)


def test_one_that_ends_and_comes_again_is_no_crash_loop() -> None:
    again = tuple(ended(T0 + n) for n in range(2 * CRASHES))
    assert isinstance(by_design(snap(service(), tasks=(*again, task(state="ready")))), Converged)
    assert isinstance(by_design(snap(service(running=1), tasks=(*again, task(state="running")))), Converged)


def test_one_that_ends_by_design_and_fails_has_failed() -> None:
    judged = by_design(snap(service(), tasks=tuple(ended(T0 + n, code=3) for n in range(CRASHES))))
    assert isinstance(judged, Failed)
    assert "last: boom" in judged.reason
    given_up = by_design(snap(service(restart="none"), tasks=(ended(T0 + 4, code=3),)))
    assert given_up == Failed(
        service="app", reason="ended with exit code 3, and its restart policy (none) does not start it again"
    )


def test_one_that_ends_without_a_word_of_it_gets_the_remedy() -> None:
    history = start(snap(service()))
    for number in range(CRASHES):
        history = hear(history, event("die", container=f"app{number}", at=T0 + number, exitCode="0"))
    judged = verdict(snap(service()), history)
    assert isinstance(judged, Failed)
    remedy = "; if this is by design, name it under `ends` in suite.toml"
    assert judged.reason.endswith(f"last: exit code 0 (it ended by itself){remedy}")


def test_a_loop_that_a_shorter_delay_makes_quicker_is_one_only_after_the_recipes_own_time() -> None:
    """What an app waits for may come up meanwhile, as it would with Swarm's own delay."""
    quick = msgspec.structs.replace(start(), own_delays={"app": 5.0})
    soon = exits(quick, T0 + 1, T0 + 2, T0 + 3, T0 + 9)
    assert isinstance(verdict(snap(service()), soon), Converging)
    assert isinstance(verdict(snap(service()), exits(quick, T0 + 1, T0 + 2, T0 + 3, T0 + 12)), Failed)
    assert isinstance(verdict(snap(service()), exits(start(), T0 + 1, T0 + 2, T0 + 3)), Failed)
