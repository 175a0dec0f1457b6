"""Counts and judges the tests of a suite as they run, one line of the report each."""

import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cc_ci.suite.answers import Exchanged
from cc_ci.suite.inside import browser as browsers
from cc_ci.suite.inside.app import SuiteProblem, blames_app, no_name_server
from cc_ci.suite.inside.exchange import exchange_of
from cc_ci.suite.report import Broken, Collected, Over, ReportLine, Started, TestOutcome, TestWord
from cc_ci.system.http_seen import HttpSeen

SUITES_OWN = (NameError, ImportError, SyntaxError, SuiteProblem)
"""Raised by a mistake in the suite or by what it stands on, never by an app."""
_PROBLEM = f"{SuiteProblem.__module__}.{SuiteProblem.__name__}: "
_WORST: tuple[TestWord, ...] = ("errored", "failed", "skipped", "passed")


class ReportRecording:
    """A pytest plugin that writes the report at `path`; knows the test that runs."""

    def __init__(self, *, path: Path, last: Callable[[], Exchanged | None] = lambda: None) -> None:
        """`last` is what the app answered last."""
        self._stream = path.open("wb")
        self._last = last
        self._begin("")

    def _begin(self, test_id: str) -> None:
        self._id = test_id
        self._start = time.monotonic()
        self._judged: list[tuple[TestWord, str | None]] = []
        self._assertions = 0
        self.browser: str | None = None
        self._error: BaseException | None = None

    @property
    def test(self) -> str:
        """The id of the test that runs, or ran last."""
        return self._id

    def count(self) -> None:
        self._assertions += 1

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        self._begin(item.nodeid)
        self._write(Started(id=item.nodeid, start=self._start))
        result = yield
        self._write(self._finished())
        return result

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._write(Collected(tests=len(session.items)))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        self._write(Over())

    def pytest_assertion_pass(self) -> None:
        self.count()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        error = call.excinfo.value if call.excinfo else None
        self._judged.append(judged(report, error))
        self._error = self._error or (error if report.failed else None)
        return report

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            said = str(report.longrepr).strip().splitlines()[-1].removeprefix("E").strip()
            self._write(Broken(message=f"{report.nodeid}: can't be collected: {said}"))

    def _finished(self) -> TestOutcome:
        outcome, message = min(self._judged, key=lambda judged: _WORST.index(judged[0]))
        return TestOutcome(
            id=self._id,
            outcome=outcome,
            start=self._start,
            seconds=time.monotonic() - self._start,
            assertions=self._assertions,
            message=message,
            browser=self.browser,
            exchange=self._exchange() if outcome == "failed" else None,
        )

    def _exchange(self) -> HttpSeen | None:
        """A browser asks for many things: its test is shown by its picture."""
        last = self._last() if self.browser is None else None
        return exchange_of(self._error, last if last and last.test == self._id else None)

    def _write(self, line: ReportLine) -> None:
        # at once: a suite that is killed has its lines up to then
        self._stream.write(msgspec.json.encode(line) + b"\n")
        self._stream.flush()


def judged(report: pytest.TestReport, error: BaseException | None) -> tuple[TestWord, str | None]:
    """The outcome of one phase of one test, and why."""
    if report.passed:
        return "passed", None
    if report.skipped:
        return "skipped", _skip_reason(report)
    ours = error is not None and _is_ours(error, phase=report.when)
    return "errored" if ours else "failed", _message(report)


def _message(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message if crash else report.longrepr).removeprefix(_PROBLEM)


def _skip_reason(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return f"expected to fail: {report.wasxfail}"
    return str(report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr)


def _is_ours(error: BaseException, *, phase: str) -> bool:
    if isinstance(error, SUITES_OWN) or browsers.is_dead(error) or no_name_server(error):
        return True
    speaks_of_app = (
        blames_app(error) or browsers.is_playwright(error) or isinstance(error, pytest.fail.Exception)
    )
    return phase != "call" and not speaks_of_app
