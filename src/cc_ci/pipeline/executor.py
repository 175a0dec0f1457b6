"""Carry a plan out, step by step, and say what became of each stage.

A step runs when all that it needs has passed. Removals always run for what was begun, also after an
interruption, and an interruption can't cut them short.
"""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from cc_ci.errors import CcCiError, StageFailed, Unverified
from cc_ci.pipeline.interruption import Interruption
from cc_ci.pipeline.plan import PROVIDE, Plan, Step
from cc_ci.results.schema import Blame, Outcome, StageName
from cc_ci.system.clock import Clock
from cc_ci.system.units import Seconds

CLOSING = ("undeploy", "withdraw", "leak_check")
"""Actions that run whatever happened before."""

BLAMES: Mapping[Outcome, Blame] = {"failed": "recipe", "errored": "cc-ci"}


class StepOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one step; `started` is monotonic, None for a step that did not run."""

    step: Step
    outcome: Outcome
    reason: str | None = None
    started: Seconds | None = None
    seconds: Seconds = 0.0
    lacked: str | None = None
    """The step that it needed and that did not pass."""


class StageOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one stage: that of its first step that did not pass."""

    stage: StageName
    outcome: Outcome
    reason: str | None = None
    started: Seconds | None = None
    seconds: Seconds = 0.0
    blame: Blame | None = None
    deployments: tuple[str, ...] = ()
    """Those that its steps worked on."""


class Executor:
    """Run the steps of one plan.

    `act` does a step's work and raises when it can't; `unexpected` is told of exceptions that are
    bugs of ours and returns the line that names them; `stage_done` hears of every stage as it ends,
    `before_closing` when only the teardown is left.
    """

    def __init__(
        self,
        *,
        act: Callable[[Step], None],
        clock: Clock,
        interruption: Interruption,
        stage_done: Callable[[StageOutcome], None],
        before_closing: Callable[[], None],
        unexpected: Callable[[Exception], str],
    ) -> None:
        self._act = act
        self._clock = clock
        self._interruption = interruption
        self._stage_done = stage_done
        self._before_closing = before_closing
        self._unexpected = unexpected
        self._done: dict[str, StepOutcome] = {}

    def execute(self, plan: Plan) -> tuple[StageOutcome, ...]:
        for decided in plan.decided:
            self._stage_done(
                StageOutcome(
                    stage=decided.stage,
                    outcome=decided.outcome,
                    reason=decided.reason,
                    blame=BLAMES.get(decided.outcome),
                )
            )
        last_of = {step.stage: step.name for step in plan.steps}
        for step in plan.steps:
            if step.stage == "teardown":
                self._before_closing()
            self._done[step.name] = self._carry_out(step)
            if last_of[step.stage] == step.name:
                self._stage_done(self._stage(step.stage))
        return tuple(self._stage(stage) for stage in plan.stages())

    def _carry_out(self, step: Step) -> StepOutcome:
        if step.action in CLOSING:
            with self._interruption.shielded():
                return self._timed(step)
        if self._interruption.fired:
            return StepOutcome(step=step, outcome="unverified", reason=f"not run: {self._interruption.fired}")
        if broken := self._broken_needs(step):
            reason = f"not run: {broken} did not pass"
            return StepOutcome(step=step, outcome="unverified", reason=reason, lacked=broken)
        return self._timed(step)

    def _broken_needs(self, step: Step) -> str | None:
        broken = [need for need in step.needs if self._done[need].outcome != "passed"]
        return broken[0] if broken else None

    def _timed(self, step: Step) -> StepOutcome:
        started = self._clock.monotonic()
        outcome, reason = self._attempt(step)
        seconds = self._clock.monotonic() - started
        return StepOutcome(step=step, outcome=outcome, reason=reason, started=started, seconds=seconds)

    def _attempt(self, step: Step) -> tuple[Outcome, str | None]:
        try:
            self._act(step)
        except StageFailed as error:
            return step.blame, str(error)
        except Unverified as error:
            return "unverified", str(error)
        except CcCiError as error:
            return "errored", str(error)
        except Exception as error:  # noqa: BLE001 - a bug of ours must not skip the teardown
            return "errored", self._unexpected(error)
        return "passed", None

    def _stage(self, stage: StageName) -> StageOutcome:
        steps = [done for done in self._done.values() if done.step.stage == stage]
        return combine(stage, steps)


def combine(stage: StageName, steps: Iterable[StepOutcome]) -> StageOutcome:
    """One outcome for a stage: its first step that did not pass decides, and gives the reason."""
    ran = list(steps)
    cause = next((done for done in ran if done.outcome != "passed"), None)
    worked_on = (done.step.deployment for done in ran if done.step.deployment and done.started is not None)
    started = min((done.started for done in ran if done.started is not None), default=None)
    return StageOutcome(
        stage=stage,
        outcome=cause.outcome if cause else "passed",
        reason=cause.reason if cause else None,
        started=started,
        blame=_blame(cause) if cause else None,
        seconds=sum(done.seconds for done in ran),
        deployments=tuple(dict.fromkeys(worked_on)),
    )


def _blame(cause: StepOutcome) -> Blame | None:
    if PROVIDE in {cause.step.name, cause.lacked}:
        return "provider"
    return BLAMES.get(cause.outcome)
