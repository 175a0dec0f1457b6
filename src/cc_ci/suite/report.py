"""What a suite's tests did, as the plugin writes it line by line and as the run reads it.

Whoever wrote the suite may have written the report as well: it is read within bounds, and `scrutiny` looks at
what it says.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from cc_ci.system.http_seen import HttpSeen, fitted
from cc_ci.system.printable import one_line, printable
from cc_ci.system.reading import Unreadable, read_plain
from cc_ci.system.showing import Sighting
from cc_ci.system.units import Bytes, Seconds

TestWord = Literal["passed", "failed", "errored", "skipped"]
REPORT_LIMIT: Bytes = 16 * 1024 * 1024
MOST_LINES = 20_000
"""Two for each test."""
MESSAGE_LIMIT = 2000
NAME_LIMIT = 300
"""Characters of a test's id and of a browser's name."""
Count = Annotated[int, msgspec.Meta(ge=0, le=10**9)]
Length = Annotated[Seconds, msgspec.Meta(ge=0, le=10**6)]


class TestOutcome(msgspec.Struct, frozen=True, kw_only=True, tag="finished", tag_field="line"):
    """One test. `start` is a monotonic stamp of this machine's clock, so that spans can be made of it.

    `assertions` counts the `assert` statements of the suite's files (tests, conftest, seeds) and the
    `expect(...)` calls of Playwright that ran and held; `browser` is the browser's version, if one was used.
    """

    __test__ = False

    id: str
    outcome: TestWord
    start: Seconds
    seconds: Length
    assertions: Count = 0
    message: str | None = None
    browser: str | None = None
    exchange: HttpSeen | None = None
    """The request by which it failed."""


class Started(msgspec.Struct, frozen=True, kw_only=True, tag="started", tag_field="line"):
    id: str
    start: Seconds


class Broken(msgspec.Struct, frozen=True, kw_only=True, tag="broken", tag_field="line"):
    """Something outside any test failed: a file that can't be collected."""

    message: str


class Collected(msgspec.Struct, frozen=True, kw_only=True, tag="collected", tag_field="line"):
    """How many tests are going to be run."""

    tests: Count


class Over(msgspec.Struct, frozen=True, kw_only=True, tag="over", tag_field="line"):
    """The last line: pytest came to its end, and did not just go away."""


ReportLine = TestOutcome | Started | Broken | Collected | Over


class TestReport(msgspec.Struct, frozen=True, kw_only=True):
    """All of one call of a suite; `problems` are what kept it from being a whole one."""

    __test__ = False

    suite_hash: str
    seconds: Seconds
    tests: tuple[TestOutcome, ...] = ()
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    shown: tuple[Sighting, ...] = ()
    """Secrets of the app that its answers and pages showed."""

    @property
    def outcome(self) -> Literal["passed", "failed", "errored"]:
        outcomes = {test.outcome for test in self.tests}
        if self.problems or "errored" in outcomes:
            return "errored"
        return "failed" if "failed" in outcomes else "passed"

    @property
    def assertions(self) -> int:
        return sum(test.assertions for test in self.tests)

    @property
    def message(self) -> str | None:
        """One line for the verdict, None if all is well."""
        worst = [test for test in self.tests if test.outcome == self.outcome != "passed"]
        said = [*self.problems, *(f"{test.id}: {(test.message or '').split(chr(10))[0]}" for test in worst)]
        if not said:
            return None
        return said[0] if len(said) == 1 else f"{said[0]} (and {len(said) - 1} more)"


def read_lines(path: Path) -> tuple[ReportLine, ...]:
    """Read a report that untrusted code wrote. Raises Unreadable for one that is none."""
    try:
        content = read_plain(path, most=REPORT_LIMIT)
    except FileNotFoundError:
        raise Unreadable("it is not there") from None
    # the last line of a suite that was killed may be half a line
    whole = content[: content.rfind(b"\n") + 1].splitlines()
    if len(whole) > MOST_LINES:
        raise Unreadable(f"more than {MOST_LINES} lines")
    return tuple(_line(line, number) for number, line in enumerate(whole, start=1))


def _line(text: bytes, number: int) -> ReportLine:
    try:
        line: ReportLine = msgspec.json.decode(text, type=ReportLine)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"line {number}: {one_line(str(error), most=200)}") from None
    return line


def tests_of(
    lines: Iterable[ReportLine], *, began: Seconds, ended: Seconds, redact: Callable[[str], str]
) -> tuple[TestOutcome, ...]:
    """The finished tests, and as errored those that had begun when everything ended.

    Each is within the time that the suite had, whatever it says; of several of one id the first counts.
    """
    tests: dict[str, TestOutcome] = {}
    for line in lines:
        match line:
            case TestOutcome():
                if line.id not in tests or tests[line.id].message == UNFINISHED:
                    tests[line.id] = line
            case Started(id=name, start=start):
                tests.setdefault(
                    name,
                    TestOutcome(id=name, outcome="errored", start=start, seconds=0.0, message=UNFINISHED),
                )
            case _:
                pass
    return tuple(_fitted(test, began=began, ended=ended, redact=redact) for test in tests.values())


UNFINISHED = "\0"
"""Stands for the message of a test that did not end; none in a report can be this."""


def _fitted(
    test: TestOutcome, *, began: Seconds, ended: Seconds, redact: Callable[[str], str]
) -> TestOutcome:
    start = min(max(test.start, began), ended)
    seconds = min(test.seconds, ended - start)
    message = _told(test.message, redact) if test.message else None
    if test.message == UNFINISHED:
        seconds = ended - start
        message = f"still running after {seconds:.1f} s, when the suite was ended"
    return msgspec.structs.replace(
        test,
        id=one_line(redact(test.id), most=NAME_LIMIT),
        start=start,
        seconds=seconds,
        message=message,
        browser=one_line(redact(test.browser), most=NAME_LIMIT) if test.browser else None,
        exchange=test.exchange and fitted(test.exchange, redact),
    )


def problems_of(lines: Iterable[ReportLine], *, redact: Callable[[str], str]) -> tuple[str, ...]:
    return tuple(_told(line.message, redact) for line in lines if isinstance(line, Broken))


def _told(text: str, redact: Callable[[str], str]) -> str:
    """What untrusted code said, so that it can be shown."""
    return redact(printable(text))[:MESSAGE_LIMIT]
