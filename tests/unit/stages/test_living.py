"""An app that serves has to go on; one that is killed has to come back."""

import pytest

from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.state import Container, ContainerState, StackSnapshot, TaskState
from cc_ci.errors import InfrastructureError, StageFailed
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.deploying import serve_again
from cc_ci.stages.killing import kill
from cc_ci.stages.living import begins_to_serve, require_living, soak
from cc_ci.system.clock import ManualClock


def container(engine: FakeEngine, deployed: Deployed, name: str, *, state: str, service: str = "app") -> None:
    stack = deployed.stack.name
    labels = {"com.docker.stack.namespace": stack, "com.docker.swarm.service.name": f"{stack}_{service}"}
    engine.items["container"][name] = Container(
        id=name, name=name, labels=labels, created=engine.now(), state=state, image="x", image_id="x"
    )
    engine.states[name] = ContainerState(
        id=name,
        state=state,
        pid=None,
        exit_code=3,
        oom_killed=False,
        health=None,
        health_output=(),
        created=engine.now(),
        started=engine.now(),
        finished=engine.now(),
        addresses={},
    )


def test_an_app_that_dies_later_is_told_with_its_last_words(
    bench: Bench, engine: FakeEngine, deployed: Deployed, clock: ManualClock
) -> None:
    container(engine, deployed, "first", state="exited")
    container(engine, deployed, "second", state="running")
    deployed.running = {"app": "x"}
    begins_to_serve(bench, deployed)
    require_living(bench, deployed, during="the tests")
    clock.advance(12.0)
    engine.log_texts["second"] = "one\n\ntwo\nthree\nfour: disk is full\n"
    container(engine, deployed, "second", state="exited")
    with pytest.raises(StageFailed) as caught:
        require_living(bench, deployed, during="the tests")
    said = str(caught.value)
    assert "services.app: ended with exit code 3 12 s after it began to serve, during the tests" in said
    assert said.endswith("last words: two / three / four: disk is full")
    assert not deployed.running


@pytest.mark.parametrize("state", ["shutdown", "failed", "complete"])
def test_a_task_that_swarm_itself_shut_down_is_not_the_recipe_s_fault(
    bench: Bench, engine: FakeEngine, deployed: Deployed, state: str
) -> None:
    container(engine, deployed, "first", state="running")
    begins_to_serve(bench, deployed)
    container(engine, deployed, "first", state="exited")
    task = TaskState(
        id="t1",
        service="app",
        state=state,
        desired="shutdown",
        stamp=engine.now(),
        created=engine.now(),
        container="first",
    )
    engine.script(StackSnapshot(stack=deployed.stack.name, tasks=(task,)))
    expected = InfrastructureError if state == "shutdown" else StageFailed
    with pytest.raises(expected, match=r"services\.app: .*, during the tests"):
        require_living(bench, deployed, during="the tests")


def test_nothing_is_asked_of_an_app_that_does_not_serve_yet(
    bench: Bench, engine: FakeEngine, deployed: Deployed
) -> None:
    container(engine, deployed, "first", state="exited")
    require_living(bench, deployed, during="the tests")


def test_a_soak_is_two_of_the_longest_interval_and_a_minute_at_least(
    bench: Bench, deployed: Deployed, clock: ManualClock
) -> None:
    begins_to_serve(bench, deployed)
    before = clock.monotonic()
    soak(bench, deployed)
    assert clock.monotonic() - before >= 60.0


def test_a_service_that_is_never_started_again_is_not_killed(bench: Bench, deployed: Deployed) -> None:
    kill(bench, deployed, stage="functional")
    assert [warning.code for warning in bench.findings.warnings] == ["not-killed"]


def test_an_app_that_does_not_come_back_is_not_asked_how_it_stops(bench: Bench, deployed: Deployed) -> None:
    deployed.running = {"app": "x"}
    with pytest.raises(StageFailed, match="not up after"):
        serve_again(bench, deployed, phase="verify")
    assert not deployed.running
