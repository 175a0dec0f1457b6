"""All that is known of a run while it goes: owned by the coordinator's thread, and by no other."""

from dataclasses import dataclass, field

from cc_ci.errors import Stopped
from cc_ci.pipeline import chain
from cc_ci.pipeline.handed import HandedValue, Hands
from cc_ci.pipeline.keeping import LEFT_UP, barred, keeps, left_out
from cc_ci.pipeline.outcomes import StageOutcome, StepOutcome, combine
from cc_ci.pipeline.plan import Plan, Step
from cc_ci.results.schema import StageName
from cc_ci.stages.bench import Findings


@dataclass(kw_only=True)
class RunState:
    """What became of each step, what steps handed back, what they found, and what went wrong beside them."""

    plan: Plan
    findings: Findings = field(default_factory=Findings)
    ended: dict[str, StepOutcome] = field(default_factory=dict)
    values: dict[str, HandedValue] = field(default_factory=dict)
    kept: str | None = None
    """The deployment that was left up."""
    faults: list[str] = field(default_factory=list)
    """Of what only records or tells: they cost the run its verdict, never its teardown."""

    def end(self, outcome: StepOutcome, hands: Hands | None = None) -> None:
        self.ended[outcome.step.name] = outcome
        if hands is not None:
            self.values.update(hands.given)
            self.findings.add(hands.findings)

    def broken(self) -> frozenset[str]:
        """The deployments of which a step was carried out and did not pass."""
        return frozenset(
            done.step.deployment
            for done in self.ended.values()
            if done.step.deployment and done.started is not None and done.outcome != "passed"
        )

    def begun(self) -> frozenset[str]:
        """The deployments of which there is something on the node, or was."""
        return frozenset(one.name for one in self.plan.deployments if chain.app(one.name) in self.values)

    def not_done(self, step: Step, *, stop: Stopped | None, run_stopped: bool) -> StepOutcome | None:
        """The outcome of a step that is not to be carried out, or None; `stop` is what would end it.

        A removal may turn out to leave its deployment up: from then on it is the one that is kept.
        """
        if stop is not None:
            return StepOutcome(step=step, outcome="unverified", reason=f"not run: {stop}")
        if self._keeps(step, run_stopped=run_stopped) or left_out(step, kept=self.kept):
            return StepOutcome(step=step, outcome="skipped", reason=LEFT_UP)
        if same := self._same_failure(step):
            return StepOutcome(step=step, outcome="unverified", reason=f"as {same.stage}", lacked=same)
        if lacked := self._lacking(step):
            return self._without(step, lacked)
        if bar := barred(self.plan, step, kept=self.kept):
            return StepOutcome(step=step, outcome="unverified", reason=bar)
        return None

    def _keeps(self, step: Step, *, run_stopped: bool) -> bool:
        found = keeps(
            self.plan,
            step,
            begun=self.begun(),
            broken=self.broken(),
            kept=self.kept,
            stopped=run_stopped,
        )
        if found:
            self.kept = step.deployment
        return found

    def _lacking(self, step: Step) -> Step | None:
        """The first step that `step` needs and that did not pass."""
        missing = (need for need in step.needs if self.ended[need].outcome != "passed")
        return next((self.plan.step(need) for need in missing), None)

    def _without(self, step: Step, lacked: Step) -> StepOutcome:
        """What becomes of a step that lacks another: its cause is that of the first that did not pass."""
        before = self.ended[lacked.name]
        same = before.reason == f"as {before.lacked.stage}" if before.lacked else False
        reason = before.reason if same else f"not run: {lacked.name} did not pass"
        cause = before.lacked or lacked
        return StepOutcome(step=step, outcome="unverified", reason=reason, lacked=cause)

    def _same_failure(self, step: Step) -> Step | None:
        """The step by which this version of the app failed to come up, where `step` would deploy it afresh.

        It would fail for the same cause, and say nothing new. An upgrade is another matter: the version may
        well come up on data that are there.
        """
        if step.action != "prepare":
            return None
        fresh = {one.name: one.versions[0] for one in self.plan.deployments}
        version = fresh.get(step.deployment or "", "")
        failed = (
            done.step
            for done in self.ended.values()
            if done.step.action in {"prepare", "deploy"} and done.outcome == "failed"
        )
        return next((one for one in failed if version and fresh.get(one.deployment or "") == version), None)

    def ready(self, step: Step) -> bool:
        return all(name in self.ended for name in (*step.needs, *step.after))

    def stage(self, name: StageName) -> StageOutcome | None:
        """What became of a stage; None while a step of it is to come."""
        steps = [step for step in self.plan.steps if step.stage == name]
        if not all(step.name in self.ended for step in steps):
            return None
        return combine(name, (done for done in self.ended.values() if done.step.stage == name))
