"""One run, from the command to its results: set up, plan, carry out, take everything away, judge.

docs/how-to/develop.md draws the way.
"""

import contextlib
import traceback
from collections.abc import Callable
from pathlib import Path

from cc_ci.engine.standings import Standings
from cc_ci.errors import DeadlinePassed
from cc_ci.pipeline.ahead import Begun, begin
from cc_ci.pipeline.concluding import conclude
from cc_ci.pipeline.coordinator import Coordinator
from cc_ci.pipeline.dispatch import Dispatch, told
from cc_ci.pipeline.exhausted import Reached
from cc_ci.pipeline.forecast import forecast
from cc_ci.pipeline.instruments import REAL, Instruments, Tools
from cc_ci.pipeline.names import domains, own_stack_names
from cc_ci.pipeline.outcomes import StageOutcome, StepOutcome
from cc_ci.pipeline.plan import Plan
from cc_ci.pipeline.planner import make_plan
from cc_ci.pipeline.progress import Progress
from cc_ci.pipeline.reading import Read, Unread, read_request
from cc_ci.pipeline.recording import Recording, first_result, planned_deployments
from cc_ci.pipeline.request import Ran, Request
from cc_ci.pipeline.room import room_of
from cc_ci.pipeline.signals import Signals
from cc_ci.pipeline.site import Site, reach_node
from cc_ci.pipeline.state import RunState
from cc_ci.pipeline.stops import Stops
from cc_ci.pipeline.surroundings import environment
from cc_ci.pipeline.telling import quiet
from cc_ci.pipeline.turned_away import turn_away
from cc_ci.pipeline.work import RunContext
from cc_ci.results import schema
from cc_ci.results.store import Store
from cc_ci.system.clock import Clock
from cc_ci.system.files import append_private
from cc_ci.system.process import Runner
from cc_ci.system.redaction import Redactor
from cc_ci.system.stopping import StopToken, under
from cc_ci.system.units import Seconds
from cc_ci.timing.own_cost import OwnCost
from cc_ci.timing.trace import Trace


class Run:
    """One run. `tell` hears each step and each wait; `started` is when the command was called, monotonic.

    `trace` and `progress` may be looked at from outside while it goes; `watched` says that somebody does.
    To be called in the main thread, which hears signals and coordinates; steps have threads of their own.
    """

    def __init__(
        self,
        request: Request,
        *,
        runner: Runner,
        clock: Clock,
        redact: Redactor,
        store: Store,
        started: Seconds,
        tell: Callable[[str], None],
        instruments: Instruments = REAL,
        watched: bool = False,
    ) -> None:
        self._request = request
        self.trace = Trace(clock, started=started, redact=redact)
        self._cost = OwnCost(from_zero=True)
        self._tools = Tools(
            runner=runner,
            clock=clock,
            redact=redact,
            store=store,
            trace=self.trace,
            tell=quiet(tell),
            instruments=instruments,
            cost=self._cost,
            standings=Standings() if watched else None,
        )
        self._stops = Stops(run=StopToken(), teardown=StopToken())
        self._doing: Callable[[], str] = lambda: "setting up"
        self.progress: Progress | None = None
        """How far it is, once there is a plan."""

    def __call__(self) -> Ran:
        """Carry it out.

        Raises what comes before there is a recipe and a node to speak of, and InfrastructureError where no
        result could be written.
        """
        trace, request, stops = self.trace, self._request, self._stops
        late = f"deadline: the run was not done after {request.deadline:g} s; --deadline sets it"
        signals = Signals(stops, tell=self._tools.tell, doing=self._said)
        # closers are called outside of any stop: what is given back there is given back whole
        with (
            signals.heard(),
            contextlib.ExitStack() as closers,
            trace.run(),
            stops.run.within(request.deadline, DeadlinePassed(late)),
        ):
            with under(stops.run):
                trace.record("start the program", phase="runner_setup", start=trace.started, end=trace.now())
                about = read_request(request, self._tools, closers)
                if isinstance(about, Unread) or about.judgement.refusals:
                    return turn_away(request, about, self._tools, cost=self._cost)
                with trace.span("plan", phase="overhead"):
                    plan = make_plan(
                        about.subject.known,
                        request.arm,
                        only=request.stage,
                        keep=request.keep,
                        room=room_of(request.node),
                    )
                state = RunState(plan=plan)
                self.progress = Progress(
                    state=state,
                    forecast=forecast(plan, about.subject.stacks_of, request.arm),
                    standings=self._tools.standings,
                )
                about.warn(state.findings)
                for line in plan.untested:
                    state.findings.warn("not-tested", line)
                for line in plan.otherwise:
                    state.findings.warn("plan", line)
                site = reach_node(
                    request,
                    about,
                    self._tools,
                    state.findings,
                    closers,
                    own_proxies=plan.own_proxies,
                )
                recording = self._recording(about, site, state)
                begun = begin(plan, request.arm, about.subject.suite, site.bench, closers)
            self._carry_out(plan, state, about, site, recording, begun=begun)
            return conclude(request, about, site, state, recording, stopped=stops.run.reason, cost=self._cost)

    def _said(self) -> str:
        return self._doing()

    def _recording(self, about: Read, site: Site, state: RunState) -> Recording:
        subject = about.subject
        result = first_result(
            self._request,
            subject.described,
            provider=site.warmth.told(subject.need) if subject.need else None,
            run=about.run,
            started_at=self.trace.epoch,
            where=environment(
                self._request.node, site.engine, runner=self._tools.runner, references=subject.references
            ),
        )
        recording = Recording(result, store=self._tools.store, trace=self.trace, findings=state.findings)
        before = schema.Census(before=site.before.names())
        recording.update(
            census=before, trusted=about.judgement.trusted, deployments=planned_deployments(state.plan)
        )
        return recording

    def _carry_out(
        self, plan: Plan, state: RunState, about: Read, site: Site, recording: Recording, *, begun: Begun
    ) -> None:
        subject = about.subject
        dispatch = Dispatch(
            bench=site.bench,
            run=RunContext(
                plan=plan,
                subject=subject,
                cache=self._request.cache,
                before=site.before,
                domains=domains(plan, subject.name, ci_domain=site.bench.node.ci_domain),
                stack_names=own_stack_names(plan, subject.name, ci_domain=site.bench.node.ci_domain),
                warm=site.warmth.warm,
                begun=begun,
            ),
            reached=Reached(site.watch, [planned.name for planned in plan.deployments]),
        )
        coordinator = Coordinator(
            plan,
            act=dispatch,
            clock=self._tools.clock,
            trace=self.trace,
            stops=self._stops,
            hears=Heard(self._tools.tell, recording),
            unexpected=lambda error: self._unexpected(error, site.bench.evidence),
            state=state,
            exit_first=self._request.exit_first,
        )
        self._doing = coordinator.doing
        coordinator.carry_out()

    def _unexpected(self, error: BaseException, evidence: Path) -> str:
        """A bug of ours: its trace goes to the evidence, one line to the verdict."""
        said = f"internal error: {type(error).__name__}: {error}"
        try:
            told = self._tools.redact("".join(traceback.format_exception(error)))
            append_private(evidence / "traceback.txt", told)
        except OSError as full:
            return f"{said}; its traceback could not be written: {full.strerror}"
        return f"{said}; see evidence/traceback.txt"


class Heard:
    """Tells and records how the run goes on."""

    def __init__(self, tell: Callable[[str], None], recording: Recording) -> None:
        self._tell = tell
        self._recording = recording

    def stage_done(self, outcome: StageOutcome) -> None:
        self._tell(f"{outcome.stage}: {outcome.outcome}" + (f": {outcome.reason}" if outcome.reason else ""))
        self._recording.stage_done(outcome)

    def first_red(self, outcome: StepOutcome) -> None:
        self._recording.verdict_is_sure()
        self._tell(f"first red: {told(outcome.step)}: {outcome.outcome}: {outcome.reason}")

    def verdict_is_sure(self) -> None:
        if not self._recording.red:
            self._tell("verdict: green, unless the teardown spoils it")
        self._recording.verdict_is_sure()
