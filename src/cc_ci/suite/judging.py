"""What a call of a suite came to: its report, held against how its process ended and what its files are."""

from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from cc_ci.suite.facts import Suite
from cc_ci.suite.protocol import SuitePart
from cc_ci.suite.report import ReportLine, TestOutcome, TestReport, problems_of, read_lines, tests_of
from cc_ci.suite.scrutiny import oddities
from cc_ci.system.reading import Unreadable
from cc_ci.system.units import Seconds

MOST_PROBLEMS = 5
"""Told of one report."""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """How pytest ended; `problem`: what kept it from being a whole run of the suite."""

    exit_code: int = 0
    problem: str | None = None


def judged(
    suite: Suite,
    session: Session,
    *,
    report: Path,
    part: SuitePart,
    began: Seconds,
    ended: Seconds,
    redact: Callable[[str], str],
    warnings: tuple[str, ...],
) -> TestReport:
    """Never raises: what is wrong with a report is one of its problems."""
    lines, problem = _read(report)
    tests = tests_of(lines, began=began, ended=ended, redact=redact)
    problems = list(filter(None, (session.problem, problem)))
    if not problems:
        files = suite.files_of(part)
        odd = oddities(lines, exit_code=session.exit_code, files=files, began=began, ended=ended)
        problems = _few(odd)
    if not problems and tests and all(test.outcome == "skipped" for test in tests):
        problems.append(f"all {len(tests)} tests were skipped")
    said = (f"suite {suite.recipe}: {redact(problem)}" for problem in problems)
    empty = (f"{test.id}: passed without an assertion" for test in tests if _asserts_nothing(test))
    return TestReport(
        suite_hash=suite.hash,
        seconds=ended - began,
        tests=tests,
        problems=(*problems_of(lines, redact=redact), *said),
        warnings=(*warnings, *empty),
    )


def _read(report: Path) -> tuple[tuple[ReportLine, ...], str | None]:
    try:
        return read_lines(report), None
    except Unreadable as error:
        return (), f"no report to read: {error}"


def _few(problems: Iterable[str]) -> list[str]:
    found = list(problems)
    more = [f"and {len(found) - MOST_PROBLEMS} more like these"] if len(found) > MOST_PROBLEMS else []
    return [*found[:MOST_PROBLEMS], *more]


def _asserts_nothing(test: TestOutcome) -> bool:
    return test.outcome == "passed" and test.assertions == 0
