"""A run that ends before a node is touched: what it is about can't be read, or may not be deployed there.

It has a result like any other, so that a CI shows what is wrong and whose fault that is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cc_ci.errors import CcCiError, InfrastructureError, StageFailed
from cc_ci.pipeline.instruments import Tools
from cc_ci.pipeline.outcomes import BLAMES, StageOutcome
from cc_ci.pipeline.planner import make_plan
from cc_ci.pipeline.reading import Read, Unread
from cc_ci.pipeline.recording import Recording, first_result
from cc_ci.pipeline.request import Ran, Request
from cc_ci.pipeline.room import room_of
from cc_ci.pipeline.surroundings import missing_values
from cc_ci.recipes.policy.refusals import Refusal
from cc_ci.results.schema import Outcome, RecipeUnderTest, StageName, TestResult
from cc_ci.results.verdict import judge
from cc_ci.stages.bench import Findings
from cc_ci.stages.permitting import OUTCOMES, summed
from cc_ci.timing.own_cost import OwnCost

UNTOUCHED = "the run ended before a node was touched"


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What became of the first stage, and of those after it; all that is wrong is among its tests."""

    first: StageOutcome
    others: tuple[StageOutcome, ...] = ()
    tests: tuple[TestResult, ...] = ()


def turn_away(request: Request, about: Read | Unread, tools: Tools, *, cost: OwnCost) -> Ran:
    """Write the result of a run that may not go on."""
    ending = _unread(request, about) if isinstance(about, Unread) else _refused(request, about)
    findings = Findings(tests={ending.first.stage: list(ending.tests)})
    if isinstance(about, Read):
        about.warn(findings)
    recording = _recording(request, about, tools, findings)
    for test in ending.tests:
        tools.tell(f"refused: {test.reason}")
    for outcome in (ending.first, *ending.others):
        tools.tell(f"{outcome.stage}: {outcome.outcome}: {outcome.reason}")
        recording.stage_done(outcome)
    verdict = judge(recording.stages, ())
    folder = recording.finish(verdict, resources=None, cost=cost, missing=_missing(request, about))
    return Ran(result=recording.result, folder=folder, node=request.node)


def _recording(request: Request, about: Read | Unread, tools: Tools, findings: Findings) -> Recording:
    if isinstance(about, Unread):
        described, provider = RecipeUnderTest(name=about.name), None
    else:
        described, need = about.subject.described, about.subject.need
        provider = need.described if need else None
    result = first_result(request, described, provider=provider, run=about.run, started_at=tools.trace.epoch)
    recording = Recording(result, store=tools.store, trace=tools.trace, findings=findings)
    recording.update(trusted=about.judgement.trusted if isinstance(about, Read) else ())
    return recording


def _missing(request: Request, about: Read | Unread) -> dict[str, str]:
    missing = {"environment.*": UNTOUCHED, "resources.*": UNTOUCHED}
    if isinstance(about, Unread):
        return {**missing, "recipe.*": "what the run is about could not be read"}
    return {**missing, **missing_values(request.node, about.subject)}


def _unread(request: Request, about: Unread) -> Ending:
    outcome = outcome_of(about.error)
    first = StageOutcome(
        stage=request.stage or "install",
        outcome=outcome,
        reason=str(about.error),
        blame=BLAMES.get(outcome),
    )
    return Ending(first=first)


def outcome_of(error: CcCiError) -> Outcome:
    if isinstance(error, StageFailed):
        return "failed"
    return "errored" if isinstance(error, InfrastructureError) else "unverified"


def _refused(request: Request, about: Read) -> Ending:
    """Nothing is deployed, so nothing is said of the stages: but for those that were decided anyway."""
    refused = about.judgement.refusals
    known = about.subject.known
    plan = make_plan(known, request.arm, only=request.stage, keep=request.keep, room=room_of(request.node))
    stages = [stage for stage in plan.stages() if stage != "teardown"]
    first = StageOutcome(
        stage=stages[0] if stages else "install",
        outcome=OUTCOMES[refused[0].blame],
        reason=summed(refused),
        blame=refused[0].blame,
    )
    decided = [
        StageOutcome(stage=one.stage, outcome=one.outcome, reason=one.reason, blame=BLAMES.get(one.outcome))
        for one in plan.decided
    ]
    return Ending(
        first=first,
        others=(*decided, *_left(stages[1:], refused[0], first=first.stage)),
        tests=tuple(map(_test, refused)),
    )


def _left(stages: Sequence[StageName], why: Refusal, *, first: StageName) -> Iterator[StageOutcome]:
    for stage in stages:
        yield StageOutcome(
            stage=stage,
            outcome="unverified",
            reason="not run: nothing was deployed",
            blame=why.blame,
            follows=first,
        )
    yield StageOutcome(stage="teardown", outcome="skipped", reason="nothing was deployed")


def _test(refusal: Refusal) -> TestResult:
    name = f"policy: {refusal.permission or refusal.key}"
    return TestResult(id=name, outcome=OUTCOMES[refusal.blame], reason=refusal.line, assertions=1)
