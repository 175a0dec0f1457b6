"""A suite's tests become results, spans and the outcome of their stage."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest

from cc_ci.errors import InfrastructureError, StageFailed
from cc_ci.results.schema import StageName
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.testing import run_suite
from cc_ci.suite.facts import Suite
from cc_ci.suite.protocol import AppFacts, SuitePart
from cc_ci.suite.report import TestOutcome, TestReport
from cc_ci.system.clock import ManualClock
from cc_ci.system.showing import Sighting
from cc_ci.timing.actions import SUITE as SUITE_ACTION

SUITE = Suite(recipe="small", folder=Path("/suite"), hash="0")


class Reporting:
    """Suites whose every run takes three seconds and says what it was made with."""

    def __init__(self, clock: ManualClock, **report: object) -> None:
        self.clock = clock
        self.report = report
        self.asked: list[tuple[SuitePart, Path]] = []

    def run_tests(
        self, _suite: Suite, _app: AppFacts, *, evidence: Path, part: SuitePart = "app"
    ) -> TestReport:
        self.asked.append((part, evidence))
        self.clock.advance(3.0)
        given = {"tests": (), "problems": (), "warnings": (), **self.report}
        return TestReport(suite_hash="0", seconds=3.0, **given)  # type: ignore[arg-type]


def outcome(name: str, became: str = "passed", *, start: float, message: str | None = None) -> TestOutcome:
    return TestOutcome(
        id=f"test_it.py::{name}",
        outcome=became,  # type: ignore[arg-type]
        start=start,
        seconds=0.5,
        assertions=2,
        message=message,
    )


def carried_out(
    bench: Bench, deployed: Deployed, clock: ManualClock, stage: StageName = "functional", **report: object
) -> Reporting:
    suites = Reporting(clock, **report)
    run_suite(dataclasses.replace(bench, suites=suites), deployed, SUITE, stage=stage)  # type: ignore[arg-type]
    return suites


def kept(bench: Bench, stage: StageName = "functional") -> Sequence[tuple[object, ...]]:
    return [(test.id, test.outcome, test.reason, test.deployment) for test in bench.findings.tests[stage]]


def test_each_test_is_a_result_with_its_time_in_the_run(
    bench: Bench, deployed: Deployed, clock: ManualClock
) -> None:
    start = clock.monotonic()
    carried_out(bench, deployed, clock, tests=(outcome("one", start=start + 1.0),))
    (test,) = bench.findings.tests["functional"]
    assert (test.id, test.outcome, test.deployment) == ("test_it.py::one", "passed", "install")
    assert (test.start, test.seconds, test.assertions) == (start + 1.0 - bench.trace.started, 0.5, 2)


def test_each_test_is_a_span_inside_the_suite_s(bench: Bench, deployed: Deployed, clock: ManualClock) -> None:
    start = clock.monotonic()
    carried_out(bench, deployed, clock, tests=(outcome("one", start=start + 1.0),))
    suite, one = bench.trace.spans()
    assert (suite.name, suite.phase, suite.kind, suite.action) == ("suite", "test", "wait", SUITE_ACTION)
    assert suite.seconds == 3.0
    assert (one.name, one.phase, one.kind, one.parent) == ("test test_it.py::one", "test", "test", suite.id)
    assert (one.start - suite.start, one.seconds) == (1.0, 0.5)
    assert one.attributes == {"assertions": 2, "outcome": "passed"}


@pytest.mark.parametrize(("stage", "part"), [("functional", "app"), ("upgrade", "app"), ("sso", "sso")])
def test_a_stage_runs_its_own_part_and_has_evidence_of_its_own(
    bench: Bench, deployed: Deployed, clock: ManualClock, stage: StageName, part: str
) -> None:
    suites = carried_out(bench, deployed, clock, stage)
    assert suites.asked == [(part, bench.evidence / "install" / f"suite-{stage}")]


def test_a_failed_test_fails_the_stage_by_its_message_s_first_line(
    bench: Bench, deployed: Deployed, clock: ManualClock
) -> None:
    failed = outcome("two", "failed", start=clock.monotonic(), message="assert 1 == 2\nmore of it")
    with pytest.raises(StageFailed, match=r"^test_it\.py::two: assert 1 == 2$"):
        carried_out(bench, deployed, clock, tests=(outcome("one", start=clock.monotonic()), failed))
    assert kept(bench) == [
        ("test_it.py::one", "passed", None, "install"),
        ("test_it.py::two", "failed", "assert 1 == 2", "install"),
    ]


@pytest.mark.parametrize("message", [None, "", "\nnot in the first line"])
def test_a_test_without_a_message_has_no_reason(
    bench: Bench, deployed: Deployed, clock: ManualClock, message: str | None
) -> None:
    carried_out(bench, deployed, clock, tests=(outcome("one", start=1.0, message=message),))
    assert kept(bench) == [("test_it.py::one", "passed", None, "install")]


def test_a_report_that_is_not_whole_is_errored_whatever_passed(
    bench: Bench, deployed: Deployed, clock: ManualClock
) -> None:
    with pytest.raises(InfrastructureError, match=r"^suite: no test was found$"):
        carried_out(
            bench, deployed, clock, tests=(outcome("one", start=1.0),), problems=("no test was found",)
        )
    assert kept(bench)[1] == ("suite", "errored", "no test was found", "install")


def test_what_the_suite_warned_of_and_saw_is_kept(
    bench: Bench, deployed: Deployed, clock: ManualClock
) -> None:
    seen = Sighting(secret="secret password", where="the page /")
    carried_out(bench, deployed, clock, warnings=("a browser was slow",), shown=(seen,))
    assert [(one.code, one.message) for one in bench.findings.warnings] == [("suite", "a browser was slow")]
    assert deployed.shown == {"secret password": seen}
