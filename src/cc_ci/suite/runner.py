"""Run a suite's tests and seeds against an app, each call in a sandbox of its own."""

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from cc_ci.engine.node import Node
from cc_ci.errors import CommandFailed, InfrastructureError
from cc_ci.suite.api import SeedFailed
from cc_ci.suite.evidence import prepare, settle
from cc_ci.suite.facts import Suite
from cc_ci.suite.judging import Session, judged
from cc_ci.suite.protocol import (
    LOG_FILE,
    REPORT_FILE,
    AppFacts,
    CallKind,
    CallOrder,
    SeedAnswer,
    SeedRequest,
    SuitePart,
)
from cc_ci.suite.report import TestReport
from cc_ci.suite.sandbox import Sandbox
from cc_ci.suite.sandboxes import Sandboxes, Standing
from cc_ci.suite.shown import Looked, take_answers
from cc_ci.suite.spares import Ahead, Spares
from cc_ci.system.clock import Clock
from cc_ci.system.http_seen import fitted
from cc_ci.system.printable import one_line
from cc_ci.system.process import Completed, Runner, check_whole
from cc_ci.system.redaction import Redactor
from cc_ci.system.units import Seconds

NO_TESTS = 5
SAID_IN_REPORT = (0, 1, 2)
"""Pytest's exit codes: all passed, some failed, some could not be collected."""
SHORTEST_TOKEN = 12


class SuiteRunner:
    """Runs suites on `node`. `logs` gives the log text of a service by its name in Swarm."""

    def __init__(
        self,
        *,
        node: Node,
        runner: Runner,
        clock: Clock,
        logs: Callable[[str], str],
        redact: Redactor | None = None,
        scratch_root: Path | None = None,
    ) -> None:
        self._runner = runner
        self._clock = clock
        self._redact = redact or Redactor()
        self._sandboxes = Sandboxes(
            node=node, runner=runner, logs=logs, redact=self._redact, scratch_root=scratch_root
        )
        self._spares: Spares | None = None
        self._kept: dict[tuple[str, str], Mapping[str, str]] = {}
        """By the app's domain and whose data it has: what its seeds asked to be remembered."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Where the isolation is less than on a private node with root."""
        return self._sandboxes.warnings

    def start_ahead(self, suite: Suite, ahead: Ahead, *, folder: Path) -> None:
        """Begin calls of `suite` before there is an app; `folder` is for what they write until then."""
        self._spares = Spares(self._sandboxes, self._runner, suite=suite, ahead=ahead, folder=folder)

    def close(self) -> None:
        """End what was begun ahead and is not needed; works twice."""
        if self._spares is not None:
            self._spares.close()

    def run_tests(
        self,
        suite: Suite,
        app: AppFacts,
        *,
        evidence: Path,
        timeout: Seconds | None = None,
        select: str | None = None,
        part: SuitePart = "app",
    ) -> TestReport:
        """Run one `part` of the suite's tests; `select` is pytest's -k.

        `evidence` gets report, log, pictures and console. Never raises for a test or a suite;
        InfrastructureError where no sandbox could be had.
        """
        prepare(evidence, uid=self._sandboxes.uid)
        began = self._clock.monotonic()
        dropped: str | None = None
        looked = Looked()
        within = timeout or suite.timeouts.tests
        order = CallOrder(arguments=session_arguments(timeout=within, part=part, select=select))
        try:
            with self._call("session", suite, app, order, evidence=evidence) as call:
                session = _session(call, timeout=within, select=select)
        finally:
            looked = take_answers(evidence, suite=suite, app=app)
            dropped = settle(evidence, redact=self._redact)
        told = (f"suite {suite.recipe}: {one}" for one in (dropped, looked.problem) if one)
        report = judged(
            suite,
            session,
            report=evidence / REPORT_FILE,
            part=part,
            began=began,
            ended=self._clock.monotonic(),
            redact=self._redact,
            warnings=(*self.warnings, *told),
        )
        return msgspec.structs.replace(report, shown=looked.sightings)

    def seed_write(self, suite: Suite, app: AppFacts, key: str, value: str) -> None:
        """Put `value` in under `key`, through the app; SeedFailed if the app does not take it."""
        self._seed(suite, app, SeedRequest(verb="write", key=key, value=value))

    def seed_read(self, suite: Suite, app: AppFacts, key: str) -> str | None:
        """The value under `key`, None if the app has none."""
        return self._seed(suite, app, SeedRequest(verb="read", key=key))

    def seed_delete(self, suite: Suite, app: AppFacts, key: str) -> None:
        self._seed(suite, app, SeedRequest(verb="delete", key=key))

    def _seed(self, suite: Suite, app: AppFacts, request: SeedRequest) -> str | None:
        what = f"suite {suite.recipe}: seed {request.verb} {request.key!r}"
        request = msgspec.structs.replace(request, kept=self._kept.get((app.domain, app.data_of), {}))
        order = CallOrder(line=msgspec.json.encode(request).decode())
        with self._call("seeding", suite, app, order, evidence=None) as call:
            completed = call.run(timeout=suite.timeouts.seed)
            if limit := call.standing.confinement.reached():
                raise InfrastructureError(f"{what}: {limit}")
            answer = _answer(completed, what=what, timeout=suite.timeouts.seed)
        if answer.failure:
            said = f"{what}: {one_line(self._redact(answer.failure))}"
            raise SeedFailed(said, exchange=answer.exchange and fitted(answer.exchange, self._redact))
        if answer.problem:
            raise InfrastructureError(f"{what}: {one_line(self._redact(answer.problem))}")
        self._kept[app.domain, app.data_of] = answer.kept
        for name, value in answer.kept.items():
            # a shorter one may be a word that reports are made of
            if len(value) >= SHORTEST_TOKEN:
                self._redact.learn(value, name=f"what the suite keeps as {one_line(name, most=60)}")
        return answer.value

    @contextlib.contextmanager
    def _call(
        self, kind: CallKind, suite: Suite, app: AppFacts, order: CallOrder, *, evidence: Path | None
    ) -> Iterator["Call"]:
        """One call in a sandbox of its own, begun ahead where one was."""
        with contextlib.ExitStack() as closers:
            spare = self._spares and self._spares.take(kind, suite, app, order, evidence=evidence)
            if spare:
                closers.callback(spare.close)
                standing, run = spare.standing, functools.partial(spare.run, order)
            else:
                standing = closers.enter_context(self._sandboxes.stand(suite, evidence=evidence))
                run = functools.partial(self._run, standing.sandbox, kind, order)
            self._sandboxes.tell(standing, app)
            yield Call(standing, run)

    def _run(
        self, sandbox: Sandbox, kind: CallKind, order: CallOrder, *, timeout: Seconds
    ) -> Completed | None:
        """Run the program inside; None if it outlasted `timeout`."""
        program = (sys.executable, "-m", f"cc_ci.suite.inside.{kind}", *order.arguments)
        line = None if order.line is None else f"{order.line}\n"
        started = self._clock.monotonic()
        try:
            return self._runner(sandbox.argv(program), timeout=timeout, stdin=line)
        except CommandFailed:
            if self._clock.monotonic() - started < timeout:
                raise
            return None


class Runs(Protocol):
    def __call__(self, *, timeout: Seconds) -> Completed | None: ...


class Call(NamedTuple):
    """One call: the sandbox that it is in, and how it is run; None where it took longer than it may."""

    standing: Standing
    run: Runs


def session_arguments(*, timeout: Seconds, part: SuitePart, select: str | None) -> tuple[str, ...]:
    selection = ("--select", select) if select else ()
    return ("--timeout", str(timeout), "--part", part, *selection)


def _session(call: Call, *, timeout: Seconds, select: str | None) -> Session:
    """Run pytest."""
    completed = call.run(timeout=timeout)
    if limit := call.standing.confinement.reached():
        return Session(problem=limit)
    if completed is None:
        return Session(problem=f"not done after {timeout:g} s; {LOG_FILE} says where it hangs")
    evidence = call.standing.sandbox.evidence
    if evidence is None or not os.path.lexists(evidence / LOG_FILE):
        raise _no_sandbox(completed)
    if completed.returncode == NO_TESTS:
        return Session(problem="no test found" + (f" that {select!r} selects" if select else ""))
    if completed.returncode not in SAID_IN_REPORT:
        return Session(problem=f"pytest exit {completed.returncode}; see {LOG_FILE}")
    return Session(exit_code=completed.returncode)


def _answer(completed: Completed | None, *, what: str, timeout: Seconds) -> SeedAnswer:
    if completed is None:
        raise InfrastructureError(f"{what}: not done after {timeout:g} s (timeouts.seed in suite.toml)")
    try:
        return msgspec.json.decode(check_whole(completed, what=what).stdout, type=SeedAnswer)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise InfrastructureError(f"{what}: answer not understood: {one_line(str(error))}") from error


def _no_sandbox(completed: Completed) -> InfrastructureError:
    said = (completed.stderr.strip() or "no output").splitlines()[-1]
    return InfrastructureError(
        f"suite: its sandbox can't be made: {said}; `cc-ci doctor` says what is missing"
    )
