"""A run as JUnit XML: stages are suites; what is neither passed nor skipped is never green there either."""

from collections.abc import Iterator

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from cc_ci.results.schema import Outcome, RunResult, StageResult, TestResult

MARKS = {"failed": Failure, "errored": Error, "unverified": Error, "skipped": Skipped}


def junit(result: RunResult) -> bytes:
    """The XML document."""
    document = JUnitXml(f"{result.recipe.name} {result.run}")
    for suite in _suites(result):
        document.add_testsuite(suite)
    document.update_statistics()  # type: ignore[no-untyped-call]
    text: bytes = document.tostring()  # type: ignore[no-untyped-call]
    return text


def _suites(result: RunResult) -> Iterator[TestSuite]:
    for stage in result.stages:
        suite = TestSuite(stage.name)
        for case in _cases(stage, result.recipe.name):
            suite.add_testcase(case)
        yield suite
    if result.census.after is not None:
        suite = TestSuite("leak check")
        left = "; ".join(f"{leak.kind} {leak.name} {leak.change}" for leak in result.census.leaks)
        suite.add_testcase(
            _case("nothing left", result.recipe.name, "failed" if left else "passed", 0.0, left)
        )
        yield suite


def _cases(stage: StageResult, recipe: str) -> Iterator[TestCase]:
    place = f"{recipe}.{stage.name}"
    # what its tests took is theirs, so that the suite's sum is the stage's time
    own = max(0.0, stage.seconds - sum(test.seconds for test in stage.tests))
    yield _case(stage.name, place, stage.outcome, own, stage.reason)
    for test in stage.tests:
        yield _case(_named(test), place, test.outcome, test.seconds, test.reason)


def _named(test: TestResult) -> str:
    """JUnit has no place for a deployment, and takes two cases of one name for one."""
    return f"{test.id} ({test.deployment})" if test.deployment else test.id


def _case(name: str, place: str, outcome: Outcome, seconds: float, reason: str | None) -> TestCase:
    case = TestCase(name, classname=place, time=round(seconds, 3))
    if outcome in MARKS:
        case.result = [MARKS[outcome](reason or outcome, outcome)]
    return case
