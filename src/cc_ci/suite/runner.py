"""Run a suite's tests and seeds against an app, each call in a sandbox of its own."""

import contextlib
import ipaddress
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

import msgspec

from cc_ci.engine.node import Node
from cc_ci.errors import CommandFailed, InfrastructureError
from cc_ci.suite.api import SeedFailed
from cc_ci.suite.broker import Broker, Knowledge
from cc_ci.suite.confining import Confinement
from cc_ci.suite.evidence import prepare, settle
from cc_ci.suite.facts import Suite
from cc_ci.suite.furnishing import copy_suite, furnish, hosts_file
from cc_ci.suite.judging import Session, judged
from cc_ci.suite.own_network import nameservers
from cc_ci.suite.protocol import (
    BROKER_SOCKET,
    LOG_FILE,
    REPORT_FILE,
    AppFacts,
    SeedAnswer,
    SeedRequest,
    SuitePart,
)
from cc_ci.suite.report import TestReport
from cc_ci.suite.sandbox import Sandbox, sandbox_uid
from cc_ci.suite.shown import Looked, take_answers
from cc_ci.system.clock import Clock
from cc_ci.system.files import runtime_root
from cc_ci.system.held import SUITE_PREFIX, temporary_folder
from cc_ci.system.http_seen import fitted
from cc_ci.system.printable import one_line
from cc_ci.system.process import Completed, Runner, check, check_whole
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
        self._node = node
        self._runner = runner
        self._clock = clock
        self._logs = logs
        self._redact = redact or Redactor()
        self._scratch_root = scratch_root or runtime_root()
        self._uid = sandbox_uid()
        self._kept: dict[tuple[str, str], Mapping[str, str]] = {}
        """By the app's domain and whose data it has: what its seeds asked to be remembered."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Where the isolation is less than on a private node with root."""
        found: list[str] = []
        if self._uid is None:
            found.append("suite: without root its tests run under your own uid, in a user namespace")
        if self._uid is None or self._node.network_namespace is None:
            found.append("suite: its tests see this machine's network, loopback included")
        return tuple(found)

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
        prepare(evidence, uid=self._uid)
        began = self._clock.monotonic()
        dropped: str | None = None
        looked = Looked()
        try:
            with self._sandbox(suite, app, evidence=evidence) as (sandbox, confinement):
                session = self._session(
                    sandbox,
                    confinement,
                    timeout=timeout or suite.timeouts.tests,
                    select=select,
                    part=part,
                )
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

    def _session(
        self,
        sandbox: Sandbox,
        confinement: Confinement,
        *,
        timeout: Seconds,
        select: str | None,
        part: SuitePart,
    ) -> Session:
        """Run pytest."""
        selection = ["--select", select] if select else []
        program = (
            sys.executable,
            "-m",
            "cc_ci.suite.inside.session",
            "--timeout",
            str(timeout),
            "--part",
            part,
            *selection,
        )
        completed = self._run(sandbox, program, timeout=timeout)
        if limit := confinement.reached():
            return Session(problem=limit)
        if completed is None:
            return Session(problem=f"not done after {timeout:g} s; {LOG_FILE} says where it hangs")
        if sandbox.evidence is None or not os.path.lexists(sandbox.evidence / LOG_FILE):
            raise _no_sandbox(completed)
        if completed.returncode == NO_TESTS:
            return Session(problem="no test found" + (f" that {select!r} selects" if select else ""))
        if completed.returncode not in SAID_IN_REPORT:
            return Session(problem=f"pytest exit {completed.returncode}; see {LOG_FILE}")
        return Session(exit_code=completed.returncode)

    def _seed(self, suite: Suite, app: AppFacts, request: SeedRequest) -> str | None:
        what = f"suite {suite.recipe}: seed {request.verb} {request.key!r}"
        request = msgspec.structs.replace(request, kept=self._kept.get((app.domain, app.data_of), {}))
        with self._sandbox(suite, app, evidence=None) as (sandbox, confinement):
            completed = self._run(
                sandbox,
                (sys.executable, "-m", "cc_ci.suite.inside.seeding"),
                timeout=suite.timeouts.seed,
                stdin=msgspec.json.encode(request).decode() + "\n",
            )
            if limit := confinement.reached():
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

    def _run(
        self, sandbox: Sandbox, program: tuple[str, ...], *, timeout: Seconds, stdin: str | None = None
    ) -> Completed | None:
        """Run `program` inside; None if it outlasted `timeout`."""
        started = self._clock.monotonic()
        try:
            return self._runner(sandbox.argv(program), timeout=timeout, stdin=stdin)
        except CommandFailed:
            if self._clock.monotonic() - started < timeout:
                raise
            return None

    @contextlib.contextmanager
    def _sandbox(
        self, suite: Suite, app: AppFacts, *, evidence: Path | None
    ) -> Iterator[tuple[Sandbox, Confinement]]:
        sign_on = (app.sso.client_secret, app.sso.password) if app.sso else ()
        for secret in (*app.secrets.values(), *sign_on):
            self._redact.learn(secret)
        with temporary_folder(SUITE_PREFIX, root=self._scratch_root) as scratch:
            self._furnish(scratch, suite=suite, app=app)
            knowledge = self._knowledge(suite, app)
            with (
                Confinement(self._node, scratch.name, evidence=evidence) as confinement,
                Broker(path=scratch / BROKER_SOCKET.name, knowledge=knowledge, uid=self._broker_uid),
            ):
                sandbox = Sandbox(
                    scratch=scratch,
                    evidence=evidence,
                    uid=self._uid,
                    network_namespace=self._node.network_namespace,
                    reach=(self._node.address, *nameservers(self._resolver)),
                    join=confinement.join,
                )
                yield sandbox, confinement

    @property
    def _broker_uid(self) -> int:
        return os.geteuid() if self._uid is None else self._uid

    def _knowledge(self, suite: Suite, app: AppFacts) -> Knowledge:
        return Knowledge(app=app, suite=suite, logs=self._logs, redact=self._redact)

    def _furnish(self, scratch: Path, *, suite: Suite, app: AppFacts) -> None:
        copy_suite(suite, scratch / "suite")
        furnish(
            scratch,
            uid=self._broker_uid,
            resolver=self._resolver,
            hosts=self._hosts(app),
            ca_bundle=self._node.ca_bundle,
            ca_certificate=self._node.ca_certificate,
        )

    @cached_property
    def _resolver(self) -> str:
        if self._lab_names:
            return self._of_lab("/etc/resolv.conf")
        # in a namespace of its own, the machine's resolver answers nobody
        return "" if self._node.network_namespace else Path("/etc/resolv.conf").read_text()

    def _hosts(self, app: AppFacts) -> str:
        if self._lab_names:
            return self._lab_hosts
        names = (app.domain, *app.further_hosts) if _is_address(self._node.address) else ()
        return hosts_file(names, address=self._node.address)

    @property
    def _lab_names(self) -> bool:
        return self._uid is not None and self._node.mount_namespace is not None

    @cached_property
    def _lab_hosts(self) -> str:
        return self._of_lab("/etc/hosts")

    def _of_lab(self, path: str) -> str:
        """A file as the node's own mount namespace has it."""
        argv = ("nsenter", f"--mount={self._node.mount_namespace}", "--", "cat", path)
        return check(self._runner(argv), what=f"node {self._node.name}: {path}").stdout


def _answer(completed: Completed | None, *, what: str, timeout: Seconds) -> SeedAnswer:
    if completed is None:
        raise InfrastructureError(f"{what}: not done after {timeout:g} s (timeouts.seed in suite.toml)")
    try:
        return msgspec.json.decode(check_whole(completed, what=what).stdout, type=SeedAnswer)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise InfrastructureError(f"{what}: answer not understood: {one_line(str(error))}") from error


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _no_sandbox(completed: Completed) -> InfrastructureError:
    said = (completed.stderr.strip() or "no output").splitlines()[-1]
    return InfrastructureError(
        f"suite: its sandbox can't be made: {said}; `cc-ci doctor` says what is missing"
    )
