"""An app that serves has to go on; one that is killed has to come back."""

import pytest

from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.state import Container, ContainerState
from cc_ci.errors import StageFailed
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.evidence import shown_secrets
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


def test_a_secret_of_the_app_in_a_text_is_told_by_name_and_line_and_no_other_is(
    bench: Bench, deployed: Deployed
) -> None:
    bench.redact.learn(deployed.secrets["password"], name="secret password")
    bench.redact.learn("a token of the suite's own", name="secret 9")
    text = "start\na token of the suite's own\nusing a secret of the app\n"
    assert shown_secrets(bench, deployed, text, where="the log of app") == (
        "the log of app shows the secret password, in line 3",
    )
