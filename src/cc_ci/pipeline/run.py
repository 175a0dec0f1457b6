"""One run, from the command to its results: set up, plan, execute, take everything away, judge."""

import contextlib
import shutil
import traceback
from collections.abc import Callable, Collection, Sequence
from importlib.metadata import version
from pathlib import Path

import msgspec

from cc_ci.engine.api import Engine
from cc_ci.engine.docker_engine import connect
from cc_ci.engine.stack_driver import StackDriver
from cc_ci.errors import InfrastructureError, Interrupted, UsageError
from cc_ci.isolation.census import Census, take
from cc_ci.isolation.holdings import Holdings
from cc_ci.isolation.leases import Keeper
from cc_ci.isolation.locks import locked
from cc_ci.isolation.scratch import scratch_folder
from cc_ci.pipeline import instruments
from cc_ci.pipeline.acting import Actor
from cc_ci.pipeline.chains import plan_chains
from cc_ci.pipeline.executor import Executor, StageOutcome
from cc_ci.pipeline.fetching import Asked, read
from cc_ci.pipeline.interruption import Interruption
from cc_ci.pipeline.locating import locate
from cc_ci.pipeline.names import run_id
from cc_ci.pipeline.plan import Plan
from cc_ci.pipeline.planner import plan_stock
from cc_ci.pipeline.profiles import waits
from cc_ci.pipeline.recording import Recording
from cc_ci.pipeline.request import Ran, Request
from cc_ci.pipeline.subject import Subject
from cc_ci.pipeline.surroundings import environment, missing_values
from cc_ci.results import schema
from cc_ci.results.schema import RunResult
from cc_ci.results.store import Store
from cc_ci.results.verdict import judge
from cc_ci.stages.bench import Bench, Deployed, Findings
from cc_ci.suite.runner import SuiteRunner
from cc_ci.system.clock import Clock
from cc_ci.system.process import Runner
from cc_ci.system.redaction import Redactor
from cc_ci.system.units import EpochSeconds, Seconds
from cc_ci.timing.own_cost import OwnCost
from cc_ci.timing.sampler import ResourceSampler
from cc_ci.timing.trace import Trace

KEPT_FOR: Seconds = 24 * 3600.0
"""A kept app is reaped after this time."""
TURN_TIMEOUT: Seconds = 3600.0


class Run:
    """One run. `tell` hears each step and each wait; `started` is when the command was called, monotonic.

    `trace` may be looked at from outside while it goes.
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
    ) -> None:
        self._request = request
        self._runner = runner
        self._clock = clock
        self._redact = redact
        self._store = store
        self._tell = tell
        self.trace = Trace(clock, started=started, redact=redact)
        self._cost = OwnCost(from_zero=True)
        self._findings = Findings()
        self._interruption = Interruption(tell=tell)

    def __call__(self) -> Ran:
        """Carry it out. Raises only what comes before there is a recipe and a node to speak of."""
        self.trace.record(
            "start the program", phase="runner_setup", start=self.trace.started, end=self._clock.monotonic()
        )
        with self._interruption.armed(deadline=self._request.deadline), contextlib.ExitStack() as stack:
            with self.trace.span("read the recipe", phase="recipe_fetch"):
                run, scratch, subject = self._fetch(stack)
            with self.trace.span("reach the node", phase="runner_setup"):
                engine = connect(self._request.node, self._runner)
                ahead = engine.now() - self._clock.now()
                recording = self._record(run, subject, engine)
                keeper = Keeper(engine, run=run, command=f"cc-ci run {self._request.recipe}", tell=self._tell)
                keeper.take()
                stack.callback(keeper.give_back)
            self._await_turn(stack, engine, run)
            with self.trace.span("census and sampler", phase="runner_setup"):
                before = take(engine)
                sampler = instruments.sampler(self._request.node, elapsed=self.trace.elapsed)
                stack.enter_context(sampler)
                bench = self._bench(
                    run=run,
                    scratch=scratch,
                    subject=subject,
                    engine=engine,
                    ahead=ahead,
                    neighbours=keeper.neighbours,
                    stack=stack,
                )
            actor = self._execute(bench, subject, before, recording)
            return self._conclude(actor, recording, subject, sampler, keeper)

    def _fetch(self, stack: contextlib.ExitStack) -> tuple[str, Path, Subject]:
        request = self._request
        clones = scratch_folder(run_id("fetch", now=self._clock.now()))
        stack.callback(shutil.rmtree, clones, ignore_errors=True)
        root = locate(request.recipe, roots=request.recipe_roots, scratch=clones, runner=self._runner)
        run = run_id(root.name, now=self._clock.now())
        scratch = scratch_folder(run)
        stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        scratch.mkdir(parents=True, mode=0o700)
        asked = Asked(
            recipe=request.recipe,
            choice=request.choice,
            variant=request.variant,
            recipe_roots=request.recipe_roots,
            suite_roots=request.suite_roots,
        )
        subject = read(
            asked, root, run=run, ci_domain=request.node.ci_domain, scratch=scratch, runner=self._runner
        )
        return run, scratch, subject

    def _record(self, run: str, subject: Subject, engine: Engine) -> Recording:
        request = self._request
        result = RunResult(
            run=run,
            cc_ci_version=version("cc-ci"),
            started_at=self.trace.epoch,
            recipe=subject.described,
            provider=subject.need.described if subject.need else None,
            environment=environment(
                request.node, engine, client=self._client(), references=subject.references
            ),
            profile=request.profile.name,
            levers=msgspec.structs.asdict(request.profile.levers),
            cache=schema.CacheState(asked=request.cache),
        )
        return Recording(result, store=self._store, trace=self.trace, findings=self._findings)

    def _client(self) -> str | None:
        asked = self._runner(["docker", "version", "--format", "{{.Client.Version}}"])
        # the version is printed even when no engine answers at the default address
        return asked.stdout.strip() or None

    def _await_turn(self, stack: contextlib.ExitStack, engine: Engine, run: str) -> None:
        """Where runs share a proxy network, their names would answer for each other: one at a time."""
        if self._request.node.proxy_container is not None:
            return
        self._findings.warn("shared-proxy", "node: its proxy network is shared, so one run at a time uses it")
        with self.trace.span("turn on the shared proxy", phase="queue", waits_for="other runs on the node"):
            turn = locked(engine, what="proxy", run=run, clock=self._clock, timeout=TURN_TIMEOUT)
            stack.enter_context(turn)

    def _bench(
        self,
        *,
        run: str,
        scratch: Path,
        subject: Subject,
        engine: Engine,
        ahead: Seconds,
        neighbours: Callable[[], Collection[str]],
        stack: contextlib.ExitStack,
    ) -> Bench:
        request = self._request
        suites = SuiteRunner(
            node=request.node,
            runner=self._runner,
            clock=self._clock,
            logs=engine.logs,
            redact=self._redact,
        )
        stacks = StackDriver(engine, self._runner, request.node, self._clock)
        asking = instruments.requester(request.node, self._runner, findings=self._findings)
        return Bench(
            run=run,
            recipe=subject.name,
            expires=EpochSeconds(engine.now() + request.deadline),
            node=request.node,
            engine=engine,
            driver=instruments.driver(
                request.profile,
                stacks,
                engine,
                self._runner,
                node=request.node,
                trace=self.trace,
                home=scratch / "abra",
            ),
            runner=self._runner,
            clock=self._clock,
            trace=self.trace,
            redact=self._redact,
            requester=stack.enter_context(asking),
            suites=suites,
            waits=waits(request.profile),
            engine_ahead=ahead,
            tell=self._tell,
            scratch=scratch,
            evidence=self._store.folder(run).evidence,
            findings=self._findings,
            holdings=Holdings(engine, run=run, clock=self._clock, neighbours=neighbours),
        )

    def _execute(self, bench: Bench, subject: Subject, before: Census, recording: Recording) -> Actor:
        request = self._request
        with self.trace.span("plan", phase="overhead"):
            plan = self._plan(subject)
        actor = Actor(
            bench=bench,
            plan=plan,
            candidates=subject.candidates,
            references=subject.references_of,
            need=subject.need,
            cache=request.cache,
            before=before,
            keep=request.keep,
            interrupted=lambda: self._interruption.fired is not None,
        )
        recording.update(census=schema.Census(before=before.names()))

        def stage_done(outcome: StageOutcome) -> None:
            self._tell(
                f"{outcome.stage}: {outcome.outcome}" + (f": {outcome.reason}" if outcome.reason else "")
            )
            recording.stage_done(outcome)

        executor = Executor(
            act=actor,
            clock=self._clock,
            interruption=self._interruption,
            stage_done=stage_done,
            before_closing=recording.verdict_is_sure,
            unexpected=lambda error: self._unexpected(error, bench.evidence),
        )
        executor.execute(plan)
        return actor

    def _plan(self, subject: Subject) -> Plan:
        request = self._request
        if request.profile.levers.deploy_share == "none":
            return plan_stock(subject.known, only=request.stage, keep=request.keep)
        if request.stage or request.keep:
            raise UsageError(f"profile {request.profile.name}: has shared deployments: no --stage, no --keep")
        return plan_chains(subject.known, checks=request.profile.levers.deploy_driver != "bare")

    def _unexpected(self, error: Exception, evidence: Path) -> str:
        """A bug of ours: its trace goes to the evidence, one line to the verdict."""
        with (evidence / "traceback.txt").open("a") as stream:
            stream.write(self._redact("".join(traceback.format_exception(error))))
        return f"internal error: {type(error).__name__}: {error}; see evidence/traceback.txt"

    def _conclude(
        self,
        actor: Actor,
        recording: Recording,
        subject: Subject,
        sampler: ResourceSampler,
        keeper: Keeper,
    ) -> Ran:
        bench = actor.bench
        with self.trace.span("digests and lease", phase="report"):
            self._findings.images.extend(subject.images(_digests(bench.engine, subject.references)))
            if actor.kept:
                keeper.leave_kept(ttl=KEPT_FOR)
            else:
                keeper.give_back()
        fired = self._interruption.fired
        verdict = judge(
            recording.stages,
            actor.leaks,
            interrupted=str(fired) if isinstance(fired, Interrupted) else None,
            errored=str(fired) if isinstance(fired, InfrastructureError) else None,
        )
        recording.update(
            census=schema.Census(
                before=actor.before.names(),
                after=actor.after.names() if actor.after else None,
                leaks=actor.leaks,
            )
        )
        sampler.sample()
        missing = missing_values(bench.node, actor)
        folder = recording.finish(verdict, resources=sampler.resources(), cost=self._cost, missing=missing)
        return Ran(result=recording.result, folder=folder, kept_domain=_domain(actor.kept))


def _domain(kept: Deployed | None) -> str | None:
    return kept.domain if kept else None


def _digests(engine: Engine, references: Sequence[str]) -> dict[str, tuple[str | None, str | None]]:
    found = {reference: engine.image(reference) for reference in set(references)}
    return {reference: (image.digest, image.id) for reference, image in found.items() if image}
