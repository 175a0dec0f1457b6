"""What is odd about a suite's report: a suite is as honest as its author, but a broken one is never green."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from cc_ci.suite.report import Broken, Collected, Over, ReportLine, TestOutcome
from cc_ci.system.printable import one_line
from cc_ci.system.units import Seconds

SLACK: Seconds = 1.0
"""Between the clocks of the two sides, which are one, and the looks at them."""
SOME_FAILED = 1
"""Pytest's exit code."""


def oddities(
    lines: Sequence[ReportLine], *, exit_code: int, files: Collection[str], began: Seconds, ended: Seconds
) -> Iterator[str]:
    """Why a report is not that of a whole run of these test files, by a suite that ended by itself."""
    tests = [line for line in lines if isinstance(line, TestOutcome)]
    if not any(isinstance(line, Over) for line in lines):
        yield "it went away before its tests were done"
    else:
        yield from _counted(lines, tests)
    yield from _twice(tests)
    for test in tests:
        if test.id.partition("::")[0] not in files:
            yield f"its report has {_shown(test)}, which is in none of its files for this stage"
        if test.start < began - SLACK or test.start + test.seconds > ended + SLACK:
            yield f"its report has {_shown(test)} at a time at which it was not run"
    if exit_code == SOME_FAILED and not any(test.outcome in ("failed", "errored") for test in tests):
        yield "pytest says that tests failed, and its report has none"


def _counted(lines: Sequence[ReportLine], tests: Sequence[TestOutcome]) -> Iterator[str]:
    wanted = [line.tests for line in lines if isinstance(line, Collected)]
    broken = any(isinstance(line, Broken) for line in lines)
    if not broken and len({test.id for test in tests}) != sum(wanted):
        yield f"{len(tests)} of {sum(wanted)} tests were run"


def _twice(tests: Sequence[TestOutcome]) -> Iterator[str]:
    for name, count in Counter(test.id for test in tests).items():
        if count > 1:
            yield f"its report has {one_line(name, most=200)} {count} times"


def _shown(test: TestOutcome) -> str:
    return one_line(test.id, most=200)
