"""Carry one step out in a worker's thread: tell of it, time it, do its action, and see its app live on.

What steps leave for each other goes through their hands.
"""

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from cc_ci.errors import CcCiError, InfrastructureError, StageFailed
from cc_ci.pipeline import chain
from cc_ci.pipeline.actions import ACTIONS
from cc_ci.pipeline.exhausted import Reached
from cc_ci.pipeline.handed import Hands
from cc_ci.pipeline.lasting import USING, WATCHED, require_lasting
from cc_ci.pipeline.plan import Step
from cc_ci.pipeline.work import RunContext, Work
from cc_ci.stages import living
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.witnessing import witness


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
        begin = functools.partial(_begin, hands)
        bench = replace(self.bench.through(step.deployment), findings=hands.findings, begin=begin)
        with span, _witnessed(bench, hands), self.reached.within(step):
            _watched(Work(run=self.run, bench=bench, hands=hands))


def told(step: Step) -> str:
    """How a step is called in the story of a run."""
    return f"{step.stage}: {step.action.replace('_', ' ')}" + (
        f" ({step.deployment})" if step.deployment else ""
    )


@contextlib.contextmanager
def _witnessed(bench: Bench, hands: Hands) -> Iterator[None]:
    """Where the step fails, look at its app before anything is removed."""
    step = hands.step
    try:
        yield
    except CcCiError as error:
        if not step.closing:
            found = witness(bench, _app_of(hands), error, step=told(step), stage=step.stage)
            hands.findings.wrong.setdefault(step.stage, found)
        raise


def _app_of(hands: Hands) -> Deployed | None:
    """The app of a step, as far as there is one by now."""
    if hands.step.deployment is None:
        return None
    name = chain.app(hands.step.deployment)
    found = hands.given.get(name) or (hands.look(name, Deployed) if name in hands.step.uses else None)
    return found if isinstance(found, Deployed) else None


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
    if work.step.action in USING:
        require_lasting(work.bench, work.run.plan, work.step, work.app, during=told(work.step))
