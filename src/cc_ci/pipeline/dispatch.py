"""Carry one step out in a worker's thread: tell of it, time it, do its action, and see its app live on.

What steps leave for each other goes through their hands.
"""

import functools
from dataclasses import dataclass, replace

from cc_ci.errors import InfrastructureError, StageFailed
from cc_ci.pipeline import chain
from cc_ci.pipeline.actions import ACTIONS
from cc_ci.pipeline.exhausted import Reached
from cc_ci.pipeline.handed import Hands
from cc_ci.pipeline.plan import Action, Step
from cc_ci.pipeline.work import RunContext, Work
from cc_ci.stages import living
from cc_ci.stages.bench import Bench, Deployed

WATCHED: frozenset[Action] = frozenset(
    {"check", "seed", "verify_upgrade", "backup", "overwrite", "verify_restore", "test"}
)
"""Actions on an app that serves, and that has to go on serving while they last."""


@dataclass(frozen=True, kw_only=True)
class Dispatch:
    """Does the work of steps. All chains share it, so what it holds is safe between threads."""

    bench: Bench
    run: RunContext
    reached: Reached

    def __call__(self, hands: Hands) -> None:
        step, what = hands.step, told(hands.step)
        self.bench.tell(what)
        span = self.bench.trace.span(
            what,
            phase=None,
            kind="step",
            action=step.action,
            stage=step.stage,
            deployment=step.deployment,
        )
        with span, self.reached.within(step):
            begin = functools.partial(_begin, hands)
            bench = replace(self.bench, findings=hands.findings, begin=begin)
            _watched(Work(run=self.run, bench=bench, hands=hands))


def told(step: Step) -> str:
    """How a step is called in the story of a run."""
    return f"{step.stage}: {step.action.replace('_', ' ')}" + (
        f" ({step.deployment})" if step.deployment else ""
    )


def _begin(hands: Hands, deployed: Deployed) -> None:
    hands.give(chain.app(deployed.name), deployed)


def _watched(work: Work) -> None:
    """Do the step's work; where the app ended meanwhile, that is what is told, and not what broke by it."""
    watched = work.step.action in WATCHED
    try:
        ACTIONS[work.step.action](work)
    except (StageFailed, InfrastructureError) as error:
        if watched:
            try:
                living.require_living(work.bench, work.app, during=told(work.step))
            except StageFailed as ended:
                raise ended from error
        raise
    if watched:
        living.require_living(work.bench, work.app, during=told(work.step))
