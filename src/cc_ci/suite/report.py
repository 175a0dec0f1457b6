"""What a suite's tests did, as the plugin writes it line by line and as the run reads it."""

import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

import msgspec

from cc_ci.system.printable import printable
from cc_ci.system.units import Bytes, Seconds

Outcome = Literal["passed", "failed", "errored", "skipped"]
REPORT_LIMIT: Bytes = 16 * 1024 * 1024
MESSAGE_LIMIT = 2000


class TestOutcome(msgspec.Struct, frozen=True, kw_only=True, tag="finished", tag_field="line"):
    """One test. `start` is a monotonic stamp of this machine's clock, so that spans can be made of it.

    `assertions` counts the `assert` statements of the suite's files (tests, conftest, seeds) and the
    `expect(...)` calls of Playwright that ran and held; `browser` is the browser's version, if one was used.
    """

    __test__ = False

    id: str
    outcome: Outcome
    start: Seconds
    seconds: Seconds
    assertions: int = 0
    message: str | None = None
    browser: str | None = None


class Started(msgspec.Struct, frozen=True, kw_only=True, tag="started", tag_field="line"):
    id: str
    start: Seconds


class Broken(msgspec.Struct, frozen=True, kw_only=True, tag="broken", tag_field="line"):
    """Something outside any test failed: a file that can't be collected."""

    message: str


Line = TestOutcome | Started | Broken


class TestReport(msgspec.Struct, frozen=True, kw_only=True):
    """All of one call of a suite; `problems` are what kept it from being a whole one."""

    __test__ = False

    suite_hash: str
    seconds: Seconds
    tests: tuple[TestOutcome, ...] = ()
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

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


def read_lines(path: Path) -> tuple[Line, ...]:
    """Read a report that untrusted code wrote: a plain file of bounded size, or ValueError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > REPORT_LIMIT:
            raise ValueError(f"{path.name}: not a plain file of at most {REPORT_LIMIT} bytes")
        return tuple(msgspec.json.decode(line, type=Line) for line in stream if line.endswith(b"\n"))


def tests_of(
    lines: Iterable[Line], *, ended: Seconds, redact: Callable[[str], str]
) -> tuple[TestOutcome, ...]:
    """The finished tests, and as errored those that had begun when everything ended."""
    tests: dict[str, TestOutcome] = {}
    for line in lines:
        match line:
            case TestOutcome():
                message = _told(line.message, redact) if line.message else None
                tests[line.id] = msgspec.structs.replace(line, id=_told(line.id, redact), message=message)
            case Started(id=name, start=start):
                message = f"still running after {ended - start:.1f} s, when the suite was ended"
                tests[name] = TestOutcome(
                    id=_told(name, redact),
                    outcome="errored",
                    start=start,
                    seconds=ended - start,
                    message=message,
                )
            case Broken():
                pass
    return tuple(tests.values())


def problems_of(lines: Iterable[Line], *, redact: Callable[[str], str]) -> tuple[str, ...]:
    return tuple(_told(line.message, redact) for line in lines if isinstance(line, Broken))


def _told(text: str, redact: Callable[[str], str]) -> str:
    """What untrusted code said, so that it can be shown."""
    return redact(printable(text))[:MESSAGE_LIMIT]
