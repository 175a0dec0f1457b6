"""Run the suite's tests against a deployment, and make a span of each."""

from cc_ci.results.schema import StageName, TestResult
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.checking import conclude
from cc_ci.stages.showing import saw
from cc_ci.suite.facts import Suite
from cc_ci.suite.report import TestOutcome, TestReport
from cc_ci.timing.actions import SUITE


def run_suite(bench: Bench, deployed: Deployed, suite: Suite, *, stage: StageName) -> None:
    """Run all tests, and raise for the worst: a suite that breaks is errored, an app that fails is failed."""
    # of this step alone: the same suite runs on several deployments, and in several stages on one
    evidence = bench.evidence / deployed.name / f"suite-{stage}"
    with bench.span("suite", "test", action=SUITE, waits_for="the suite's tests"):
        report = bench.suites.run_tests(
            suite, deployed.facts, evidence=evidence, part="sso" if stage == "sso" else "app"
        )
        for test in report.tests:
            bench.trace.record(
                f"test {test.id}",
                phase="test",
                kind="test",
                start=test.start,
                end=test.start + test.seconds,
                assertions=test.assertions,
                outcome=test.outcome,
            )
    saw(deployed, report.shown)
    for warning in report.warnings:
        bench.findings.warn("suite", warning)
    found = [*(_result(bench, test) for test in report.tests), *_problems(report)]
    conclude(bench, found, deployed=deployed, stage=stage)


def _result(bench: Bench, test: TestOutcome) -> TestResult:
    return TestResult(
        id=test.id,
        outcome=test.outcome,
        seconds=test.seconds,
        start=test.start - bench.trace.started,
        assertions=test.assertions,
        reason=(test.message or "").split("\n")[0] or None,
        exchange=test.exchange,
    )


def _problems(report: TestReport) -> list[TestResult]:
    """What kept the report from being a whole one counts as an errored test, so that it can't be missed."""
    return [TestResult(id="suite", outcome="errored", reason=problem) for problem in report.problems]
