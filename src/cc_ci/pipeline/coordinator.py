"""Carry a plan out: one coordinator owns what is known of the run, workers do the steps and hand back values.

A step is started when the plan and the node's room allow it. Closing steps are carried out whatever happened;
each is under a token of its own, so that a stop of the run does not cut it short, and has its own deadline.
"""

import contextlib
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from cc_ci.errors import CcCiError, DeadlinePassed, EndedEarly, StageFailed, Stopped, Unverified
from cc_ci.pipeline.handed import Hands
from cc_ci.pipeline.outcomes import BLAMES, StageOutcome, StepOutcome
from cc_ci.pipeline.plan import Plan, Step
from cc_ci.pipeline.state import RunState
from cc_ci.pipeline.stops import CLOSING_DEADLINE, Stops
from cc_ci.results.schema import Outcome
from cc_ci.system.clock import Clock
from cc_ci.system.stopping import StopToken, under
from cc_ci.system.units import Seconds
from cc_ci.timing.trace import OpenSpan, Trace

NOTICED: Seconds = 0.1
"""A step begins within milliseconds of the one before it."""
PATIENCE: Seconds = 45.0
"""With a step that was told to stop; one that hangs is left behind, and the teardown goes on without it."""


class Hears(Protocol):
    """Who is told how a run goes on, in the coordinator's thread; what goes wrong there costs no teardown."""

    def stage_done(self, outcome: StageOutcome) -> None: ...
    def first_red(self, outcome: StepOutcome) -> None:
        """The first step that makes the run red, long before its stage is over."""
        ...

    def verdict_is_sure(self) -> None:
        """Only the teardown is left."""
        ...


class _Worker(NamedTuple):
    hands: Hands
    scope: StopToken
    begun: Seconds
    chain: OpenSpan


class _Ended(NamedTuple):
    hands: Hands
    outcome: StepOutcome


class Coordinator:
    """Carries out one plan. `act` does a step's work in a worker's thread, and raises when it can't.

    `unexpected` is told of exceptions that are bugs of ours and hands back the line that names them.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        act: Callable[[Hands], None],
        clock: Clock,
        trace: Trace,
        stops: Stops,
        hears: Hears,
        unexpected: Callable[[BaseException], str],
        state: RunState | None = None,
        exit_first: bool = False,
        patience: Seconds = PATIENCE,
        closing_deadline: Seconds = CLOSING_DEADLINE,
    ) -> None:
        self.state = state or RunState(plan=plan)
        self._plan = plan
        self._act = act
        self._clock = clock
        self._trace = trace
        self._chains: dict[str, OpenSpan] = {}
        self._free: dict[str, Seconds] = {}
        """Since when each chain has no step at work."""
        self._stops = stops
        self._hears = hears
        self._unexpected = unexpected
        self._exit_first = exit_first
        self._patience = patience
        self._closing_deadline = closing_deadline
        self._workers: dict[str, _Worker] = {}
        # reentrant: whatever wakes the coordinator may do so from within a signal's handler
        self._heard: queue.SimpleQueue[_Ended | None] = queue.SimpleQueue()
        self._sure = False
        self._red = False

    def carry_out(self) -> RunState:
        """Carry all steps out, and hand back what is known then."""
        for decided in self._plan.decided:
            blame = BLAMES.get(decided.outcome)
            self._tell(
                StageOutcome(stage=decided.stage, outcome=decided.outcome, reason=decided.reason, blame=blame)
            )
        with self._stops.run.watched(self._wake), self._stops.teardown.watched(self._wake):
            while len(self.state.ended) < len(self._plan.steps):
                self._begin_what_can()
                self._await()
        return self.state

    def doing(self) -> str:
        """What is done now, in a few words; for whoever asks, in any thread."""
        now = self._clock.monotonic()
        going = [f"{name} for {now - worker.begun:.0f} s" for name, worker in tuple(self._workers.items())]
        left = len([step for step in self._plan.steps if step.closing and step.name not in self.state.ended])
        return f"{', '.join(going) or 'between two steps'}; {left} steps of the teardown to go"

    # what can begin

    def _begin_what_can(self) -> None:
        """Begin steps, and end those that are not carried out, until nothing more can be."""
        while any(self._begin(step) for step in self._plan.steps if self._is_next(step)):
            pass

    def _is_next(self, step: Step) -> bool:
        name = step.name
        return name not in self.state.ended and name not in self._workers and self.state.ready(step)

    def _begin(self, step: Step) -> bool:
        stop = self._stops.teardown.reason or (None if step.closing else self._stops.run.reason)
        not_done = self.state.not_done(step, stop=stop, run_stopped=self._stops.run.reason is not None)
        if not_done:
            self._end(not_done)
            return True
        if not self._fits(step):
            return False
        self._be_sure(step)
        self._start(step)
        return True

    def _fits(self, step: Step) -> bool:
        taken = Counter(one for worker in self._workers.values() for one in worker.hands.step.takes)
        return all(taken[one] < self._plan.at_once[one] for one in step.takes)

    def _be_sure(self, step: Step) -> None:
        """Before the teardown's own steps, nothing but them can spoil the run any more."""
        others = (one.name for one in self._plan.steps if one.stage != "teardown")
        if step.stage == "teardown" and not self._sure and all(name in self.state.ended for name in others):
            self._sure = True
            self._contained("verdict", self._hears.verdict_is_sure)

    # workers

    def _start(self, step: Step) -> None:
        hands = Hands(step, self.state.values)
        worker = _Worker(hands, StopToken(), self._clock.monotonic(), self._chain(step.chain))
        self._workers[step.name] = worker
        self._tell_turn(worker)
        thread = threading.Thread(target=self._work, args=[worker], name=step.name, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # no more threads: a teardown has to go on without
            with contextlib.suppress(BaseException):
                self._work(worker)

    def _tell_turn(self, worker: _Worker) -> None:
        """Record how long a chain waited between two steps for others, or for what they have of the node."""
        since, record = self._free.pop(worker.hands.step.chain, worker.begun), self._trace.record
        if worker.begun - since >= NOTICED:
            what, at = "another chain", worker.begun
            record(
                f"wait for {what}",
                phase="queue",
                kind="wait",
                start=since,
                end=at,
                parent=worker.chain,
                waits_for=what,
            )

    def _work(self, worker: _Worker) -> None:
        """In the worker's thread: do the step, and hand back what became of it, whatever that was."""
        hands, step = worker.hands, worker.hands.step
        became: tuple[Outcome, str | None] = ("errored", "its thread ended early")
        try:
            with self._scoped(worker), under(worker.scope), self._trace.inside(worker.chain):
                became = self._attempt(hands)
        finally:
            seconds = self._clock.monotonic() - worker.begun
            outcome, reason = became
            done = StepOutcome(
                step=step, outcome=outcome, reason=reason, started=worker.begun, seconds=seconds
            )
            self._heard.put(_Ended(hands, done))

    @contextlib.contextmanager
    def _scoped(self, worker: _Worker) -> Iterator[None]:
        """Let the step's token hear what is meant for it: a closing step's shield is that it hears less."""
        step, scope = worker.hands.step, worker.scope
        meant = self._stops.teardown if step.closing else self._stops.run
        with meant.passed_on(scope), scope.watched(self._wake):
            yield

    def _attempt(self, hands: Hands) -> tuple[Outcome, str | None]:
        try:
            self._act(hands)
        except StageFailed as error:
            return hands.step.if_broken, str(error)
        except (Unverified, EndedEarly) as error:
            return "unverified", str(error)
        except (CcCiError, Stopped) as error:
            return "errored", str(error)
        except BaseException as error:  # noqa: BLE001 - a bug of ours must not skip the teardown
            return "errored", self._unexpected(error)
        return "passed", None

    def _chain(self, name: str) -> OpenSpan:
        """The span of a chain, from its first step to the end of its last."""
        if name not in self._chains:
            self._chains[name] = self._trace.begin(self._trace.span(name, phase=None, kind="chain"))
        return self._chains[name]

    def _close_chain(self, name: str) -> None:
        steps = (step.name for step in self._plan.steps if step.chain == name)
        if name in self._chains and all(step in self.state.ended for step in steps):
            self._chains[name].close()

    # what has ended

    def _await(self) -> None:
        """Wait for a step to end or a stop to come; a step that does not end when told to is left behind."""
        if not self._workers:
            return
        stopped = [name for name, worker in self._workers.items() if worker.scope.reason]
        try:
            heard = self._heard.get(timeout=self._patience if stopped else self._until_late())
        except queue.Empty:
            for name in stopped:
                self._leave_behind(name)
            self._tell_late()
            return
        if heard is not None and heard.outcome.step.name in self._workers:
            del self._workers[heard.outcome.step.name]
            self._end(heard.outcome, heard.hands)

    def _until_late(self) -> Seconds | None:
        """How long until the first closing step has outlasted its deadline; None where none is at work."""
        now = self._clock.monotonic()
        begun = [worker.begun for worker in self._workers.values() if worker.hands.step.closing]
        return max(0.0, min(begun) + self._closing_deadline - now) if begun else None

    def _tell_late(self) -> None:
        now = self._clock.monotonic()
        for name, worker in self._workers.items():
            if worker.hands.step.closing and now - worker.begun >= self._closing_deadline:
                late = f"teardown: {name} was not done after {self._closing_deadline:g} s"
                worker.scope.stop(DeadlinePassed(late))

    def _leave_behind(self, name: str) -> None:
        worker = self._workers.pop(name)
        reason = f"{worker.scope.reason}; it did not end within {self._patience:g} s, and was left behind"
        seconds = self._clock.monotonic() - worker.begun
        step = worker.hands.step
        self._end(
            StepOutcome(step=step, outcome="errored", reason=reason, started=worker.begun, seconds=seconds),
            worker.hands,
        )

    def _end(self, outcome: StepOutcome, hands: Hands | None = None) -> None:
        self.state.end(outcome, hands)
        self._free[outcome.step.chain] = self._clock.monotonic()
        self._close_chain(outcome.step.chain)
        red = outcome.outcome not in {"passed", "skipped"}
        if red and not self._red:
            self._red = True
            self._contained("first red", lambda: self._hears.first_red(outcome))
        if red and self._exit_first and not outcome.step.closing:
            self._stops.run.stop(EndedEarly(f"--exitfirst: {outcome.step.stage} {outcome.outcome}"))
        if stage := self.state.stage(outcome.step.stage):
            self._tell(stage)

    def _tell(self, stage: StageOutcome) -> None:
        self._contained(f"result of {stage.stage}", lambda: self._hears.stage_done(stage))

    def _contained(self, what: str, call: Callable[[], None]) -> None:
        """A full disk or a bug where a result is written or told must not skip the teardown."""
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - whatever it is
            self.state.faults.append(f"{what}: {type(error).__name__}: {error}")

    def _wake(self) -> None:
        self._heard.put(None)
