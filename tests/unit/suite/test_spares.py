"""Calls that are begun ahead, with a runner that does what a program in the sandbox would do."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

import cc_ci.suite.sandboxes
from cc_ci.engine.node import Node
from cc_ci.errors import InfrastructureError, Interrupted
from cc_ci.suite.facts import Suite, read_suite
from cc_ci.suite.inside.app import SuiteApp, SuiteProblem
from cc_ci.suite.protocol import (
    BROKER_SOCKET,
    EVIDENCE_FOLDER,
    LOG_FILE,
    ORDER_PIPE,
    AppFacts,
    AskFacts,
    CallOrder,
)
from cc_ci.suite.runner import SuiteRunner
from cc_ci.suite.spares import PIPE_ROOM, Ahead
from cc_ci.system import stopping
from cc_ci.system.clock import SystemClock
from cc_ci.system.process import Completed
from cc_ci.system.stopping import StopToken

APP = AppFacts(domain="tiny-1.ci.test", stack_name="tiny-1_ci_test")
FOREIGN = Node(
    name="f", kind="foreign", docker_host="ssh://f", address="192.0.2.7", ci_domain="ci.test", ipvs=True
)


def outside(argv: Sequence[str], inside: Path) -> Path:
    """What lies at a path of the sandbox."""
    return Path(argv[argv.index(str(inside)) - 1])


class Programs:
    """A runner whose programs wait for their orders, as those that are begun ahead do.

    `then` says what one that has its order does; `broken` ones end at once.
    """

    def __init__(self) -> None:
        self.begun: list[tuple[str, ...]] = []
        self.orders: list[CallOrder] = []
        self.fresh: list[tuple[str, ...]] = []
        self.then: Callable[[Sequence[str]], None] = lambda _argv: None
        self.broken = False
        self.loads: threading.Event | None = None
        self.up = threading.Semaphore(0)

    def __call__(self, argv: Sequence[str], **_: Any) -> Completed:
        module = next(word for word in argv if word.startswith("cc_ci.suite.inside."))
        if not module.endswith(".ahead"):
            self.fresh.append(tuple(argv))
            self._log(self._evidence(argv))
            return Completed(argv=tuple(argv), returncode=0, stdout='{"value":"fresh"}', stderr="")
        evidence = self._evidence(argv)
        self.begun.append(tuple(argv))
        if self.loads is not None:
            assert self.loads.wait(30)
        if not self.broken:
            SuiteApp(socket_path=outside(argv, BROKER_SOCKET)).say_loaded()
        self.up.release()
        if self.broken:
            return Completed(argv=tuple(argv), returncode=1, stdout="", stderr="no module named x")
        self.orders.append(self._ordered(outside(argv, ORDER_PIPE)))
        self.then(argv)
        self._log(evidence)
        return Completed(argv=tuple(argv), returncode=0, stdout='{"value":"ahead"}', stderr="")

    @staticmethod
    def _ordered(pipe: Path) -> CallOrder:
        descriptor = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        try:
            told = b""
            while not told.endswith(b"\n"):
                stopping.current().sleep(0.001)
                try:
                    told += os.read(descriptor, PIPE_ROOM)
                except BlockingIOError:
                    continue
            return msgspec.json.decode(told, type=CallOrder)
        finally:
            os.close(descriptor)

    @staticmethod
    def _evidence(argv: Sequence[str]) -> int | None:
        """The folder itself, wherever it is moved: so a mount sees it."""
        return (
            os.open(outside(argv, EVIDENCE_FOLDER), os.O_DIRECTORY) if str(EVIDENCE_FOLDER) in argv else None
        )

    @staticmethod
    def _log(evidence: int | None) -> None:
        if evidence is not None:
            os.close(os.open(LOG_FILE, os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=evidence))
            os.close(evidence)


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "suite.toml").write_text('recipe = "tiny"\ntimeouts = { seed = 30 }\n')
    return read_suite(tmp_path / "tiny")


@pytest.fixture
def programs() -> Programs:
    return Programs()


@pytest.fixture
def runs(programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SuiteRunner]:
    monkeypatch.setattr(cc_ci.suite.sandboxes, "sandbox_uid", lambda: None)
    (tmp_path / "run").mkdir()
    runner = SuiteRunner(
        node=FOREIGN,
        runner=programs,
        clock=SystemClock(),
        logs=lambda service: service,
        scratch_root=tmp_path / "scratch",
    )
    yield runner
    runner.close()
    assert list((tmp_path / "scratch").iterdir()) == []
    assert list((tmp_path / "run").iterdir()) == []


def begin(runs: SuiteRunner, suite: Suite, tmp_path: Path, **ahead: Any) -> None:
    runs.start_ahead(suite, Ahead(**ahead), folder=tmp_path / "run")


def test_a_call_is_given_to_a_program_that_is_up_already(
    runs: SuiteRunner, programs: Programs, suite: Suite, tmp_path: Path
) -> None:
    begin(runs, suite, tmp_path, seedings=1)
    assert programs.up.acquire(timeout=10)
    assert runs.seed_read(suite, APP, "k") == "ahead"
    asked = msgspec.json.decode(programs.orders[0].line or "")
    assert (asked["verb"], asked["key"], programs.fresh) == ("read", "k", [])


def test_each_call_has_a_sandbox_of_its_own_and_the_next_is_begun_at_once(
    runs: SuiteRunner, programs: Programs, suite: Suite, tmp_path: Path
) -> None:
    begin(runs, suite, tmp_path, seedings=2)
    for _ in range(5):
        runs.seed_read(suite, APP, "k")
    for _ in range(7):
        assert programs.up.acquire(timeout=10)
    folders = [outside(argv, ORDER_PIPE).parent for argv in programs.begun]
    assert len(set(folders)) == len(folders) == 7
    assert len(programs.orders) == 5


def test_two_chains_that_call_at_once_have_a_call_each(
    runs: SuiteRunner, programs: Programs, suite: Suite, tmp_path: Path
) -> None:
    begin(runs, suite, tmp_path, seedings=1)
    both = threading.Barrier(2)
    found: list[str | None] = []

    def call() -> None:
        both.wait(10)
        found.append(runs.seed_read(suite, APP, "k"))

    threads = [threading.Thread(target=call) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 2
    pipes = [outside(argv, ORDER_PIPE) for argv in programs.begun]
    assert len(set(pipes)) == len(pipes)


def test_the_broker_tells_nothing_before_there_is_an_app(
    runs: SuiteRunner, programs: Programs, suite: Suite, tmp_path: Path
) -> None:
    begin(runs, suite, tmp_path, seedings=1)
    assert programs.up.acquire(timeout=10)
    app = SuiteApp(socket_path=outside(programs.begun[0], BROKER_SOCKET))
    with pytest.raises(SuiteProblem, match="there is no app yet"):
        app._ask(AskFacts())
    told: list[str] = []
    programs.then = lambda argv: told.append(SuiteApp(socket_path=outside(argv, BROKER_SOCKET)).domain)
    runs.seed_read(suite, APP, "k")
    assert told == [APP.domain]


def test_what_tests_leave_is_where_their_step_wants_it(
    runs: SuiteRunner, programs: Programs, suite: Suite, tmp_path: Path
) -> None:
    begin(runs, suite, tmp_path, sessions=1)
    evidence = tmp_path / "evidence" / "install" / "suite-functional"
    report = runs.run_tests(suite, APP, evidence=evidence)
    assert programs.orders[0].arguments == ("--timeout", "300.0", "--part", "app")
    assert report.problems
    assert not programs.fresh
    assert [path.name for path in evidence.iterdir()] == [LOG_FILE]


def test_so_many_are_begun_as_the_plan_has(
    runs: SuiteRunner, programs: Programs, suite: Suite, tmp_path: Path
) -> None:
    begin(runs, suite, tmp_path, sessions=2, browser=True)
    for number in range(3):
        runs.run_tests(suite, APP, evidence=tmp_path / "evidence" / str(number))
    assert [argv[-2:] for argv in programs.begun] == [("session", "--browser")] * 2
    assert len(programs.fresh) == 1


def test_an_app_with_an_address_of_its_own_gets_no_browser_that_may_know_another(
    runs: SuiteRunner, programs: Programs, suite: Suite, tmp_path: Path
) -> None:
    """A browser may keep where a name led when it started; a seed asks anew."""
    begin(runs, suite, tmp_path, seedings=1, sessions=1, browser=True)
    own = msgspec.structs.replace(APP, address="10.0.0.9")
    runs.run_tests(suite, own, evidence=tmp_path / "evidence")
    assert len(programs.fresh) == 1
    assert runs.seed_read(suite, own, "k") == "ahead"


def test_evidence_that_is_there_is_not_replaced(
    runs: SuiteRunner, programs: Programs, suite: Suite, tmp_path: Path
) -> None:
    begin(runs, suite, tmp_path, sessions=1)
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / "kept.txt").write_text("of an earlier call")
    runs.run_tests(suite, APP, evidence=tmp_path / "evidence")
    assert len(programs.fresh) == 1
    assert (tmp_path / "evidence" / "kept.txt").read_text() == "of an earlier call"


def test_one_that_broke_ahead_is_made_as_if_there_were_none(
    runs: SuiteRunner, programs: Programs, suite: Suite, tmp_path: Path
) -> None:
    programs.broken = True
    begin(runs, suite, tmp_path, seedings=1)
    assert programs.up.acquire(timeout=10)
    until = time.monotonic() + 10
    while runs.seed_read(suite, APP, "k") != "fresh":
        assert time.monotonic() < until


def test_another_suite_gets_no_spare(
    runs: SuiteRunner, programs: Programs, suite: Suite, tmp_path: Path
) -> None:
    begin(runs, suite, tmp_path, seedings=1)
    other = msgspec.structs.replace(suite, hash="another")
    assert runs.seed_read(other, APP, "k") == "fresh"


def test_an_order_that_no_pipe_holds_is_given_another_way(
    runs: SuiteRunner, programs: Programs, suite: Suite, tmp_path: Path
) -> None:
    begin(runs, suite, tmp_path, seedings=1)
    assert runs.seed_read(suite, APP, "k" * PIPE_ROOM) == "fresh"


def test_one_that_hangs_is_named_with_its_limit(
    runs: SuiteRunner, programs: Programs, suite: Suite, tmp_path: Path
) -> None:
    hasty = msgspec.structs.replace(suite, timeouts=msgspec.structs.replace(suite.timeouts, seed=0.05))
    begin(runs, hasty, tmp_path, seedings=1)
    programs.then = lambda _argv: stopping.current().sleep(600)
    with pytest.raises(InfrastructureError, match=r"seed read 'k': not done after 0\.05 s"):
        runs.seed_read(hasty, APP, "k")


def test_the_time_of_a_call_is_that_of_its_work(
    runs: SuiteRunner, programs: Programs, suite: Suite, tmp_path: Path
) -> None:
    """What is still loading when its order comes has all of its time for the order."""
    hasty = msgspec.structs.replace(suite, timeouts=msgspec.structs.replace(suite.timeouts, seed=0.2))
    loads, found = threading.Event(), list[str | None]()
    programs.loads = loads
    begin(runs, hasty, tmp_path, seedings=1)
    caller = threading.Thread(target=lambda: found.append(runs.seed_read(hasty, APP, "k")))
    caller.start()
    caller.join(0.4)
    loads.set()
    caller.join(30)
    assert found == ["ahead"]


def test_a_run_that_is_told_to_stop_ends_the_call(
    runs: SuiteRunner, programs: Programs, suite: Suite, tmp_path: Path
) -> None:
    begin(runs, suite, tmp_path, seedings=1)
    token = StopToken()

    def interrupted(_argv: Sequence[str]) -> None:
        token.stop(Interrupted("Ctrl-C"))
        stopping.current().sleep(600)

    programs.then = interrupted
    with stopping.under(token), pytest.raises(Interrupted, match="Ctrl-C"):
        runs.seed_read(suite, APP, "k")


def test_what_nobody_needs_ends_with_the_run_and_leaves_nothing(
    runs: SuiteRunner, programs: Programs, suite: Suite, tmp_path: Path
) -> None:
    begin(runs, suite, tmp_path, seedings=3, sessions=1)
    runs.close()
    assert list((tmp_path / "scratch").iterdir()) == []
    assert list((tmp_path / "run").iterdir()) == []
    assert runs.seed_read(suite, APP, "k") == "fresh"
