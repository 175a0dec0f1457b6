import msgspec
from example_result import example

from cc_ci.results.checks import phase_warnings
from cc_ci.results.schema import Environment
from cc_ci.testkit.results import unexplained
from cc_ci.timing.critical_path import attribute
from cc_ci.timing.spans import Span


def test_an_explained_result_has_nothing_unexplained() -> None:
    assert unexplained(example()) == ()


def test_a_null_without_a_reason_is_named_by_its_path() -> None:
    result = msgspec.structs.replace(example(), missing={})
    assert unexplained(result) == (
        "resources.0.machine.peak_memory_bytes",
        "resources.0.machine.peak_working_set_bytes",
        "resources.0.machine.mean_resident_bytes",
    )


def test_one_reason_covers_what_its_pattern_covers() -> None:
    unknown = msgspec.structs.replace(
        example(), environment=Environment(), missing={"environment.*": "foreign", "resources.*": "foreign"}
    )
    assert unexplained(unknown) == ()


def table_warnings(*spans: Span) -> list[str]:
    return [warning.code for warning in phase_warnings(attribute(spans, end=100.0))]


def test_unnamed_seconds_and_overhead_are_warned_of_at_their_limits() -> None:
    def overhead(seconds: float) -> Span:
        return Span(id=1, name="plan", start=0.0, end=seconds, phase="overhead")

    def test(end: float) -> Span:
        return Span(id=2, name="t", start=0.0, end=end, phase="test")

    assert table_warnings(test(100.0)) == []
    assert table_warnings(test(98.5)) == []
    assert table_warnings(test(98.0)) == ["unattributed"]
    assert table_warnings(test(94.0)) == ["unattributed", "overhead"]
    assert table_warnings(Span(id=2, name="t", start=5.0, end=100.0, phase="test"), overhead(5.0)) == []
    assert table_warnings(Span(id=2, name="t", start=5.5, end=100.0, phase="test"), overhead(5.5)) == [
        "overhead"
    ]


def test_a_run_without_time_is_not_warned_of() -> None:
    assert phase_warnings(attribute([], end=0.0)) == ()
