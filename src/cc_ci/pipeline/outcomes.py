"""What became of steps, and what that makes of their stages; pure."""

from collections.abc import Iterable, Mapping

import msgspec

from cc_ci.pipeline.plan import Step
from cc_ci.results.schema import Blame, Outcome, StageName
from cc_ci.system.units import Seconds

BLAMES: Mapping[Outcome, Blame] = {"failed": "recipe", "errored": "cc-ci"}


class StepOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one step; `started` is monotonic, None for a step that was not carried out."""

    step: Step
    outcome: Outcome
    reason: str | None = None
    started: Seconds | None = None
    seconds: Seconds = 0.0
    lacked: Step | None = None
    """The step that it needed and that did not pass, or whose failure would only come again."""


class StageOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one stage: the end of its first step that did not pass."""

    stage: StageName
    outcome: Outcome
    reason: str | None = None
    started: Seconds | None = None
    seconds: Seconds = 0.0
    blame: Blame | None = None
    deployments: tuple[str, ...] = ()
    """Those that its steps worked on."""
    follows: StageName | None = None
    """The stage whose failure is the cause that this one did not run."""


def combine(stage: StageName, steps: Iterable[StepOutcome]) -> StageOutcome:
    """One outcome for a stage: its first step that is neither passed nor skipped decides, with its reason.

    Steps that are left out of a stage (`skipped`) decide only where none was carried out.
    """
    ended = list(steps)
    cause = next((done for done in ended if done.outcome not in {"passed", "skipped"}), None)
    if cause is None and all(done.outcome == "skipped" for done in ended):
        cause = next(iter(ended), None)
    worked_on = (done.step.deployment for done in ended if done.step.deployment and done.started is not None)
    started = min((done.started for done in ended if done.started is not None), default=None)
    return StageOutcome(
        stage=stage,
        outcome=cause.outcome if cause else "passed",
        reason=cause.reason if cause else None,
        started=started,
        blame=_blame(cause) if cause else None,
        seconds=sum(done.seconds for done in ended),
        deployments=tuple(dict.fromkeys(worked_on)),
        follows=cause.lacked.stage if cause and cause.lacked and cause.lacked.stage != stage else None,
    )


def _blame(cause: StepOutcome) -> Blame | None:
    culprit = cause.lacked or cause.step
    return (
        "provider"
        if culprit.action == "provide" and cause.outcome != "skipped"
        else BLAMES.get(cause.outcome)
    )
