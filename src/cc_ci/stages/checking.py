"""The checks that hold for every recipe, on a deployment that is up."""

import contextlib
from collections.abc import Iterator, Sequence

import msgspec

from cc_ci.errors import InfrastructureError, StageFailed, Unverified
from cc_ci.probes.generic import proxy_checks, service_checks
from cc_ci.recipes.linting.lint import lint
from cc_ci.recipes.recipe import Recipe
from cc_ci.recipes.routes import routes
from cc_ci.results.schema import StageName, TestResult
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.showing import attentive


def check(bench: Bench, deployed: Deployed, *, stage: StageName) -> None:
    """Ask the app through the proxy and the engine for its services; every check is kept."""
    with bench.span("generic checks", "verify"):
        found = (
            *(_through_proxy(bench, deployed) if deployed.web else ()),
            *service_checks(bench.engine.stack(deployed.stack.name), stack=deployed.stack),
            lint_check(bench, deployed.candidate.recipe),
        )
    conclude(bench, found, deployed=deployed, stage=stage)


def _through_proxy(bench: Bench, deployed: Deployed) -> tuple[TestResult, ...]:
    return proxy_checks(
        attentive(bench, deployed),
        domain=deployed.domain,
        stack=deployed.stack,
        routes=routes(deployed.stack),
        expectation=deployed.expectation,
    )


def lint_check(bench: Bench, recipe: Recipe) -> TestResult:
    """What lint finds wrong with the files that are deployed; warnings are passed on."""
    report = lint(recipe)
    for finding in report.of_tree("warning"):
        bench.findings.warn("lint", str(finding))
    if report.ignored:
        bench.findings.warn("lint-ignored", f"lint: the recipe passes over {len(report.ignored)} findings")
    errors = report.of_tree("error")
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    reason = f"{errors[0]}{more}" if errors else None
    return TestResult(id="lint", outcome="failed" if errors else "passed", assertions=1, reason=reason)


def conclude(
    bench: Bench, found: Sequence[TestResult], *, stage: StageName, deployed: Deployed | None = None
) -> None:
    """Keep the tests of a stage, of one deployment or of all, and raise for the worst of them."""
    name = deployed.name if deployed else None
    kept = [msgspec.structs.replace(test, deployment=test.deployment or name) for test in found]
    bench.findings.tests.setdefault(stage, []).extend(kept)
    for outcome, error in (
        ("errored", InfrastructureError),
        ("failed", StageFailed),
        ("unverified", Unverified),
    ):
        worst = [test for test in found if test.outcome == outcome]
        if worst:
            more = f" (and {len(worst) - 1} more)" if len(worst) > 1 else ""
            raise error(f"{worst[0].id}: {worst[0].reason}{more}")


@contextlib.contextmanager
def proof(bench: Bench, what: str, *, deployed: Deployed, stage: StageName) -> Iterator[None]:
    """Count one thing shown as a test of its stage: passed if nothing is raised, failed with what is.

    `what` is the test's id: the same for each deployment that it is shown on.
    """
    started = bench.clock.monotonic()

    def keep(reason: str | None) -> None:
        result = TestResult(
            id=what,
            deployment=deployed.name,
            outcome="failed" if reason else "passed",
            start=started - bench.trace.started,
            seconds=bench.clock.monotonic() - started,
            assertions=1,
            reason=reason,
        )
        bench.findings.tests.setdefault(stage, []).append(result)

    try:
        yield
    except StageFailed as error:
        keep(str(error))
        raise
    keep(None)
