"""How a run sums up what its steps found."""

from cc_ci.pipeline.actions import worst_of_each
from cc_ci.results.schema import Outcome, TestResult


def stop(outcome: Outcome, seconds: float, *, of: str = "app") -> TestResult:
    return TestResult(id=f"generic: graceful stop of {of}", outcome=outcome, seconds=seconds)


def test_the_worst_stop_of_a_service_is_told_and_of_equals_the_slowest() -> None:
    quick, slow, failed = stop("passed", 0.3), stop("passed", 32.0), stop("failed", 10.0)
    other = stop("passed", 0.1, of="db")
    assert worst_of_each([quick, slow]) == [slow]
    assert worst_of_each([slow, other, failed, quick]) == [failed, other]
