"""What is seen of an app when a step of it fails."""

import pytest

from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.labels import SERVICE, STACK
from cc_ci.engine.parsing import stamp
from cc_ci.engine.state import Container, ContainerState, ServiceState, StackSnapshot
from cc_ci.errors import StageFailed
from cc_ci.probes.answers import Answer
from cc_ci.probes.ready import NotReady
from cc_ci.results.schema import TestResult, WentWrong
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.witnessing import LAST_LINES, witness
from cc_ci.suite.api import SeedFailed
from cc_ci.system.http_seen import HttpSeen
from cc_ci.system.units import EpochSeconds

SECRET = "a secret of the app"


def shown(engine: FakeEngine, deployed: Deployed, **running: int) -> None:
    services = tuple(
        ServiceState(id=name, name=name, image="i:1", desired=1, running=count)
        for name, count in running.items()
    )
    engine.script(StackSnapshot(stack=deployed.stack.name, services=services))


def container(
    engine: FakeEngine, deployed: Deployed, name: str, *, logs: str, at: float = 1.0, **over: object
) -> None:
    stack, service = deployed.stack.name, name.partition(".")[0]
    engine.has(
        "container",
        Container(
            id=name,
            name=name,
            labels={STACK: stack, SERVICE: f"{stack}_{service}"},
            created=EpochSeconds(at),
            state="exited",
            image="i",
            image_id="i",
        ),
    )
    fields: dict[str, object] = {
        "id": name,
        "state": "exited",
        "pid": None,
        "exit_code": 137,
        "oom_killed": False,
        "health": "unhealthy",
        "health_output": ("curl: (7)", "curl: (7) refused"),
        "created": EpochSeconds(at),
        "started": EpochSeconds(at),
        "finished": EpochSeconds(at),
        "addresses": {},
        "health_failures": 2,
    }
    engine.states[name] = ContainerState(**{**fields, **over})  # type: ignore[arg-type]
    engine.log_texts[name] = logs


def seen(bench: Bench, deployed: Deployed, error: Exception) -> WentWrong:
    return witness(bench, deployed, error, step="install: deploy", stage="install")


def test_the_service_that_failed_comes_first_with_what_it_and_its_check_said(
    bench: Bench, deployed: Deployed, engine: FakeEngine
) -> None:
    bench.redact.learn(SECRET)
    shown(engine, deployed, app=0)
    lines = "\n".join(f"line {n}" for n in range(30))
    container(engine, deployed, "app.1", logs=f"{lines}\n\x1b[31mpassword is {SECRET}\n")
    (app,) = seen(bench, deployed, StageFailed("service app: ended 3 times")).services
    assert (app.state, app.exit_code) == ("0/1 running", 137)
    assert app.health == ("curl: (7)", "curl: (7) refused")
    assert len(app.lines) == LAST_LINES
    assert app.lines[0] == "line 21"
    assert SECRET not in app.lines[-1]
    assert "\x1b" not in app.lines[-1]


def test_what_it_may_have_waited_for_comes_after_it(
    bench: Bench, deployed: Deployed, engine: FakeEngine
) -> None:
    deployed.stack.services["db"] = deployed.stack.services["app"]
    deployed.stack.services["mail"] = deployed.stack.services["app"]
    shown(engine, deployed, app=0, db=1, mail=1)
    container(engine, deployed, "app.1", logs="can't connect to db:5432\n")
    container(engine, deployed, "db.1", logs="starting\n", exit_code=None, state="running")
    found = seen(bench, deployed, StageFailed("service app: ended 3 times")).services
    assert [(one.service, one.lines) for one in found] == [
        ("app", ("can't connect to db:5432",)),
        ("db", ("starting",)),
    ]


def test_a_check_that_says_yes_is_not_quoted(bench: Bench, deployed: Deployed, engine: FakeEngine) -> None:
    shown(engine, deployed, app=1)
    container(engine, deployed, "app.1", logs="ready\n", state="running", exit_code=None, health_failures=0)
    (app,) = seen(bench, deployed, StageFailed("service app: data was lost")).services
    assert (app.health, app.lines) == ((), ("ready",))


def test_a_container_that_is_new_does_not_hide_the_one_that_ended(
    bench: Bench, deployed: Deployed, engine: FakeEngine
) -> None:
    shown(engine, deployed, app=0)
    container(engine, deployed, "app.1", logs="disk is full\n", at=1.0, exit_code=3)
    container(engine, deployed, "app.2", logs="", at=2.0, exit_code=None, state="created")
    (app,) = seen(bench, deployed, StageFailed("service app: ended")).services
    assert (app.exit_code, app.lines) == (3, ("disk is full",))


@pytest.mark.parametrize(
    ("message", "place", "text"),
    [
        ("service app: unhealthy: refused (compose.yml:3)", "compose.yml:3", "services:"),
        ("seed.py:7: assert found", "seed.py:7", None),
        ("../outside.yml:1: no", None, None),
        ("compose.yml:99999: no", "compose.yml:99999", None),
    ],
)
def test_the_line_of_the_file_that_the_cause_names_is_shown(
    message: str, place: str | None, text: str | None, bench: Bench, deployed: Deployed
) -> None:
    found = seen(bench, deployed, StageFailed(message))
    assert (found.place, found.text) == (place, text)


def test_the_last_answer_is_that_of_the_error_or_of_one_that_it_came_of(
    bench: Bench, deployed: Deployed, engine: FakeEngine
) -> None:
    shown(engine, deployed, app=1)
    answer = Answer(url="https://small.ci.test/", status=502, body="\nBad Gateway\n")
    error = StageFailed("after the backup the app does not serve")
    error.__cause__ = NotReady("readiness: not there", answers=(answer,))
    found = seen(bench, deployed, error)
    expected = HttpSeen(request="GET https://small.ci.test/", status=502, lines=("Bad Gateway",))
    assert found.exchanges == (expected,)


def test_a_seed_that_fails_shows_its_request_without_secrets(bench: Bench, deployed: Deployed) -> None:
    bench.redact.learn(SECRET)
    exchange = HttpSeen(request=f"POST https://small.ci.test/?key={SECRET}", status=409, lines=("no", SECRET))
    found = seen(bench, deployed, SeedFailed("seed write: 409", exchange=exchange))
    (shown_,) = found.exchanges
    assert shown_.status == 409
    assert SECRET not in str(shown_)


def test_a_test_that_fails_shows_the_log_of_its_moment(
    bench: Bench, deployed: Deployed, engine: FakeEngine
) -> None:
    shown(engine, deployed, app=1)
    early, late = EpochSeconds(bench.trace.epoch + 5), EpochSeconds(bench.trace.epoch + 500)
    logs = f"{stamp(early)}.5Z 500 in /notes\n{stamp(late)}.5Z much later\n"
    container(engine, deployed, "app.1", logs=logs, state="running", exit_code=None)
    exchange = HttpSeen(request="GET https://small.ci.test/notes", status=500)
    bench.findings.tests["install"] = [
        TestResult(id="test_it", outcome="failed", start=4.0, seconds=2.0, exchange=exchange)
    ]
    found = seen(bench, deployed, StageFailed("test_it: 500"))
    assert found.exchanges == (exchange,)
    assert found.services[0].lines == ("500 in /notes",)


def test_pictures_of_the_step_are_named_relative_to_the_run(bench: Bench, deployed: Deployed) -> None:
    folder = bench.evidence / "install" / "suite-install" / "browser" / "test_it"
    folder.mkdir(parents=True)
    (folder / "end.png").write_bytes(b"")
    found = seen(bench, deployed, StageFailed("test_it: no button"))
    assert found.screenshots == ("evidence/install/suite-install/browser/test_it/end.png",)


@pytest.mark.parametrize("error", [None, ValueError("a bug of ours")])
@pytest.mark.parametrize("call", ["stack", "containers", "container_logs"])
def test_what_can_t_be_seen_is_left_out_and_hides_nothing_else(
    call: str, error: Exception | None, bench: Bench, deployed: Deployed, engine: FakeEngine
) -> None:
    shown(engine, deployed, app=0)
    container(engine, deployed, "app.1", logs="words\n")
    engine.fail(call, error)
    found = seen(bench, deployed, StageFailed("service app: unhealthy: no (compose.yml:3)"))
    assert (found.place, found.services) == ("compose.yml:3", ())
