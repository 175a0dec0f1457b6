"""The results of a run as they grow: written after every stage, so that a crash leaves what was known."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, get_args

import msgspec

from cc_ci.pipeline.outcomes import StageOutcome
from cc_ci.pipeline.plan import Plan
from cc_ci.pipeline.request import Request
from cc_ci.pipeline.shapes import FRESH_DEPLOYMENT
from cc_ci.results.checks import phase_warnings
from cc_ci.results.schema import (
    CacheState,
    Environment,
    Harness,
    PlannedDeployment,
    ProviderUsed,
    RecipeUnderTest,
    RunResult,
    StageName,
    StageResult,
    TestResult,
)
from cc_ci.results.store import RunFolder, Store
from cc_ci.results.unredacted import unredacted
from cc_ci.results.verdict import Verdict
from cc_ci.stages.bench import Findings
from cc_ci.system.printable import printable
from cc_ci.system.units import Seconds
from cc_ci.timing.critical_path import attribute
from cc_ci.timing.own_cost import OwnCost
from cc_ci.timing.resources import SampledResources
from cc_ci.timing.spans import Span
from cc_ci.timing.trace import Trace


def first_result(
    request: Request,
    recipe: RecipeUnderTest,
    *,
    provider: ProviderUsed | None,
    run: str,
    started_at: float,
    where: Environment = Environment(),  # noqa: B008 - frozen
) -> RunResult:
    """What can be said before anything is done; `where` is empty as long as no node is reached."""
    return RunResult(
        run=run,
        cc_ci_version=version("cc-ci"),
        started_at=started_at,
        recipe=recipe,
        provider=provider,
        environment=where,
        arm=request.arm.arm,
        levers=dict(request.arm.values),
        cache=CacheState(asked=request.cache),
    )


def planned_deployments(plan: Plan) -> tuple[PlannedDeployment, ...]:
    return tuple(
        PlannedDeployment(name=one.name, versions=one.versions, why=one.why) for one in plan.deployments
    )


class Recording:
    """One run's result; every `write` is a whole and valid one. Owned by the coordinator's thread."""

    def __init__(self, result: RunResult, *, store: Store, trace: Trace, findings: Findings) -> None:
        self.result = result
        self._store = store
        self._trace = trace
        self._findings = findings
        self._stages: dict[StageName, StageResult] = {}

    def update(self, **changes: Any) -> None:
        self.result = msgspec.structs.replace(self.result, **changes)

    @property
    def stages(self) -> tuple[StageResult, ...]:
        """In the order that stages have, whatever order they ended in."""
        return tuple(self._stages[name] for name in get_args(StageName) if name in self._stages)

    def stage_done(self, outcome: StageOutcome) -> None:
        """Keep one stage's outcome, and write what is known by now, the way so far included."""
        with self._trace.span("write results", phase="report"):
            self._stages[outcome.stage] = self._stage(outcome)
            if outcome.outcome not in {"passed", "skipped"}:
                self.verdict_is_sure()
            self.update(phases=attribute(self._trace.spans(), end=self._trace.elapsed()))
            self.write()

    def verdict_is_sure(self) -> None:
        """From here on nothing can make the run green, or nothing but the teardown can spoil it."""
        if self.result.first_verdict_seconds is None:
            self.update(first_verdict_seconds=self._trace.elapsed())

    @property
    def red(self) -> bool:
        """Whether something by now keeps the run from being green."""
        return self.result.first_verdict_seconds is not None

    def write(self) -> RunFolder:
        found = self._findings
        cache = msgspec.structs.replace(
            self.result.cache, images=tuple(found.transfers), proved=found.cache_proved
        )
        self.update(
            stages=self.stages,
            warnings=tuple(found.warnings),
            cache=cache,
            recipe=msgspec.structs.replace(self.result.recipe, images=tuple(found.images)),
            longest_up_seconds=max(found.uptimes, default=None),
            spans=self._trace.spans(),
            fresh_restore_seconds=_fresh_restore(self._trace.spans()),
            total_seconds=self._trace.elapsed(),
        )
        return self._store.write(self.result)

    def finish(
        self, verdict: Verdict, *, resources: SampledResources | None, cost: OwnCost, missing: dict[str, str]
    ) -> RunFolder:
        """Write the result for the last time, with all that can only be said at the end."""
        self.verdict_is_sure()
        self._trace.end_run()
        end = self._trace.elapsed()
        spans = self._trace.spans()
        phases = attribute(spans, end=end)
        self._findings.warnings.extend(phase_warnings(phases))
        if not self._findings.uptimes:
            missing = {**missing, "longest_up_seconds": "no deployment served"}
        self.update(
            state="finished",
            verdict=verdict.word,
            exit_code=verdict.exit_code,
            because=verdict.because,
            phases=phases,
            harness=_harness(cost, total=end),
            missing={**self.result.missing, **missing},
        )
        if resources:
            self.update(
                resources=resources.of(spans, end=end),
                samples=resources.chart(),
                missing={**self.result.missing, **resources.missing},
            )
        return self.write()

    def _stage(self, outcome: StageOutcome) -> StageResult:
        start = 0.0 if outcome.started is None else outcome.started - self._trace.started
        folders = tuple(f"evidence/{name}" for name in outcome.deployments)
        kept = unredacted(self._store.folder(self.result.run).path, folders)
        return StageResult(
            name=outcome.stage,
            outcome=outcome.outcome,
            start=start,
            seconds=outcome.seconds,
            reason=outcome.reason and self._fit(outcome.reason),
            blame=outcome.blame,
            tests=tuple(map(self._told, self._findings.tests.get(outcome.stage, ()))),
            evidence=folders,
            wrong=None
            if outcome.outcome in {"passed", "skipped"}
            else self._findings.wrong.get(outcome.stage),
            follows=outcome.follows,
            unredacted=tuple(map(self._fit, kept)),
        )

    def _told(self, test: TestResult) -> TestResult:
        reason = test.reason and self._fit(test.reason)
        return msgspec.structs.replace(test, id=self._fit(test.id), reason=reason)

    def _fit(self, text: str) -> str:
        """Text that may be an app's or a suite's; a secret may be hidden by what steers a terminal."""
        return self._trace.redact(printable(text))


def _fresh_restore(spans: Sequence[Span]) -> Seconds | None:
    """What the steps of the restore on a fresh deployment took in all; None where there was none."""
    steps = [span.seconds for span in spans if span.kind == "step" and span.deployment == FRESH_DEPLOYMENT]
    return sum(steps) if steps else None


def _harness(cost: OwnCost, *, total: float) -> Harness:
    seconds = cost.cpu_seconds
    return Harness(
        cpu_seconds=seconds,
        cpu_share=seconds / total if total else None,
        peak_memory_bytes=cost.peak_memory_bytes,
    )
