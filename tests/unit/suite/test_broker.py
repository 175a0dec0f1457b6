import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from cc_ci.suite import broker
from cc_ci.suite.broker import Broker, Knowledge
from cc_ci.suite.facts import Suite
from cc_ci.suite.inside.app import SuiteApp, SuiteProblem
from cc_ci.suite.protocol import ANSWER_LIMIT, REQUEST_LIMIT, AppFacts, BrokerAnswer
from cc_ci.system.redaction import Redactor

SUITE = Suite(recipe="notes", folder=Path("/nowhere"), hash="0", secrets=("password",), env={"USER": "x"})
APP = AppFacts(
    domain="note-1.ci.test",
    stack_name="note-1_ci_test",
    services=("app", "db"),
    secrets={"password": "correct horse", "admin_token": "battery staple"},
    env={"USER": "editor", "DB_PASSWORD": "hidden"},
    version="1.0.0+2",
    variant="listing",
)
LOGS = {"note-1_ci_test_app": "one\ntwo battery staple\nthree", "note-1_ci_test_db": "\x01" * ANSWER_LIMIT}


def knowledge() -> Knowledge:
    redact = Redactor()
    redact.learn("battery staple")
    return Knowledge(app=APP, suite=SUITE, logs=LOGS.__getitem__, redact=redact)


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    with Broker(path=tmp_path / "b.sock", knowledge=knowledge(), uid=os.geteuid()):
        yield tmp_path / "b.sock"


def say(path: Path, said: bytes) -> BrokerAnswer:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.sendall(said)
        connection.shutdown(socket.SHUT_WR)
        return msgspec.json.decode(connection.makefile("rb").readline(), type=BrokerAnswer)


def test_an_app_is_known_by_its_facts(path: Path) -> None:
    app = SuiteApp(socket_path=path)
    assert (app.domain, app.url, app.services) == ("note-1.ci.test", "https://note-1.ci.test", ("app", "db"))
    assert (app.version, app.variant, app.seeds) == ("1.0.0+2", "listing", None)


def test_its_folder_may_have_a_longer_name_than_a_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ("a" * 120)
    folder.mkdir()
    with Broker(path=folder / "b.sock", knowledge=knowledge(), uid=os.geteuid()):
        monkeypatch.chdir(folder)
        assert SuiteApp(socket_path=Path("b.sock")).domain == "note-1.ci.test"


def test_only_what_the_suite_declares_is_told(path: Path) -> None:
    app = SuiteApp(socket_path=path)
    assert app.env == {"USER": "editor"}
    assert app.secret("password") == "correct horse"
    with pytest.raises(SuiteProblem, match="'admin_token': not declared"):
        app.secret("admin_token")
    assert b"battery" not in msgspec.json.encode(say(path, b'{"verb":"facts"}\n'))


def test_logs_are_the_tail_and_redacted(path: Path) -> None:
    app = SuiteApp(socket_path=path)
    assert app.logs("app", lines=2) == "two [redacted]\nthree"
    with pytest.raises(SuiteProblem, match="'traefik': the app has none"):
        app.logs("traefik")


def test_an_answer_stays_within_its_limit(path: Path) -> None:
    assert len(msgspec.json.encode(say(path, b'{"verb":"logs","service":"db"}\n'))) <= ANSWER_LIMIT + 100


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (b'{"verb":"exec","argv":["sh"]}\n', "request not understood: Invalid value 'exec'"),
        (b'{"verb":"secret","name":1}\n', "request not understood: Expected `str`"),
        (b'{"verb":"facts","more":1}\n', "request not understood: Object contains unknown field"),
        (b"x" * (REQUEST_LIMIT + 1), f"request not understood: longer than {REQUEST_LIMIT} bytes"),
        (b"", "request not understood: Input data was truncated"),
    ],
)
def test_anything_else_is_refused_and_the_next_is_served(path: Path, said: bytes, problem: str) -> None:
    assert (say(path, said).problem or "").startswith(problem)
    assert SuiteApp(socket_path=path).domain == APP.domain


def test_an_engine_that_fails_is_said_to_the_suite(tmp_path: Path) -> None:
    def broken(service: str) -> str:
        raise OSError(f"no engine for {service}")

    broker = Knowledge(app=APP, suite=SUITE, logs=broken, redact=Redactor())
    path = tmp_path / "b.sock"
    with (
        Broker(path=path, knowledge=broker, uid=os.geteuid()),
        pytest.raises(SuiteProblem, match="no answer: no engine for note-1_ci_test_app"),
    ):
        SuiteApp(socket_path=path).logs("app")


@pytest.mark.skipif(os.geteuid() != 0, reason="gives the socket to another uid")
def test_another_uid_is_turned_away(tmp_path: Path) -> None:
    path = tmp_path / "b.sock"
    with (
        Broker(path=path, knowledge=knowledge(), uid=12345),
        pytest.raises(SuiteProblem, match="uid 0 is not this run's"),
    ):
        SuiteApp(socket_path=path).secret("password")


def test_nothing_answers_afterwards(tmp_path: Path) -> None:
    with Broker(path=tmp_path / "b.sock", knowledge=knowledge(), uid=os.geteuid()):
        pass
    with pytest.raises(SuiteProblem, match="broker: "):
        SuiteApp(socket_path=tmp_path / "b.sock").secret("password")
    assert not (tmp_path / "b.sock").exists()


@pytest.mark.attack(
    what="A suite sends its question to the broker one byte at a time.",
    before="Each byte restarted the time limit: the broker, and the end of the run, waited for hours.",
    now="A question has one time limit, and is then refused.",
    layer="input",
)
def test_a_question_that_drips_is_given_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "PATIENCE", 0.5)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.settimeout(0.05)
        answer = b""
        started = time.monotonic()
        while not answer and time.monotonic() - started < 20:
            with contextlib.suppress(BrokenPipeError):
                connection.sendall(b" ")
            with contextlib.suppress(TimeoutError):
                answer = connection.recv(4096)
    assert b"the question was not whole after 0.5 s" in answer
    assert SuiteApp(socket_path=path).domain == "note-1.ci.test"


@pytest.mark.attack(
    what="A suite asks questions without end.",
    before="After 2,000 questions it got no answer at all, and hung until its own time was over.",
    now="Further questions are refused at once, with the reason.",
    layer="input",
)
def test_too_many_questions_are_refused_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "MOST_REQUESTS", 3)
    answers = [say(path, b'{"verb":"facts"}\n') for _turn in range(5)]
    assert [answer.problem is None for answer in answers] == [True, True, True, False, False]
    assert "more than 3 questions" in (answers[4].problem or "")


@pytest.mark.attack(
    what="A suite asks for a log that never ends, and disconnects.",
    before="The run waited until the engine gave up.",
    now="The run abandons the broker after two seconds and continues.",
    layer="input",
)
def test_the_end_of_a_suite_waits_for_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "FAREWELL", 0.2)
    asked, released = threading.Event(), threading.Event()

    def logs(_service: str) -> str:
        asked.set()
        released.wait(60)
        return ""

    endless = Knowledge(app=APP, suite=SUITE, logs=logs, redact=Redactor())
    started = time.monotonic()
    with (
        socket.socket(socket.AF_UNIX) as connection,
        Broker(path=tmp_path / "b.sock", knowledge=endless, uid=os.geteuid()),
    ):
        connection.connect(str(tmp_path / "b.sock"))
        connection.sendall(b'{"verb":"logs","service":"app"}\n')
        assert asked.wait(20)
    assert time.monotonic() - started < 20
    released.set()
