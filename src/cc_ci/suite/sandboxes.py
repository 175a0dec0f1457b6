"""Make sandboxes for calls of a suite on one node, and tell them of the app that they are to test."""

import contextlib
import ipaddress
import os
import threading
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

import msgspec

from cc_ci.engine.node import Node
from cc_ci.suite.broker import Broker, Knowledge
from cc_ci.suite.confining import Confinement
from cc_ci.suite.facts import Suite
from cc_ci.suite.furnishing import copy_suite, furnish, hosts_file
from cc_ci.suite.own_network import nameservers
from cc_ci.suite.protocol import BROKER_SOCKET, ORDER_PIPE, AppFacts, BrokerAnswer, BrokerRequest, SayLoaded
from cc_ci.suite.sandbox import Sandbox, sandbox_uid
from cc_ci.system.files import runtime_root
from cc_ci.system.held import SUITE_PREFIX, temporary_folder
from cc_ci.system.process import Runner, check
from cc_ci.system.redaction import Redactor


class _Told:
    """What a sandbox's broker knows: nothing before the sandbox is told of its app.

    `loaded` is set as soon as a program that was begun ahead says so.
    """

    def __init__(self) -> None:
        self._knowledge: Knowledge | None = None
        self.loaded = threading.Event()

    def learn(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge

    def __call__(self, request: BrokerRequest) -> BrokerAnswer:
        if isinstance(request, SayLoaded):
            self.loaded.set()
            return BrokerAnswer()
        if self._knowledge is None:
            return BrokerAnswer(problem="there is no app yet")
        return self._knowledge(request)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A sandbox that stands, for one call and no second."""

    suite: Suite
    sandbox: Sandbox
    confinement: Confinement
    told: _Told


class Sandboxes:
    """Makes the sandboxes of one run on `node`; safe to share between threads."""

    def __init__(
        self,
        *,
        node: Node,
        runner: Runner,
        logs: Callable[[str], str],
        redact: Redactor,
        scratch_root: Path | None = None,
    ) -> None:
        self._node = node
        self._runner = runner
        self._logs = logs
        self._redact = redact
        self._scratch_root = scratch_root or runtime_root()
        self.uid = sandbox_uid()

    @property
    def warnings(self) -> tuple[str, ...]:
        """Where the isolation is less than on a private node with root."""
        found: list[str] = []
        if self.uid is None:
            found.append("suite: without root its tests run under your own uid, in a user namespace")
        if self.uid is None or self._node.network_namespace is None:
            found.append("suite: its tests see this machine's network, loopback included")
        return tuple(found)

    @contextlib.contextmanager
    def stand(self, suite: Suite, *, evidence: Path | None, ahead: bool = False) -> Iterator[Standing]:
        """Make one; it knows of no app. `ahead`: a pipe leads into it."""
        with temporary_folder(SUITE_PREFIX, root=self._scratch_root) as scratch:
            self._furnish(scratch, suite=suite)
            order = _pipe(scratch / ORDER_PIPE.name) if ahead else None
            told = _Told()
            with (
                Confinement(self._node, scratch.name, evidence=evidence) as confinement,
                Broker(path=scratch / BROKER_SOCKET.name, knowledge=told, uid=self._broker_uid),
            ):
                sandbox = Sandbox(
                    scratch=scratch,
                    evidence=evidence,
                    uid=self.uid,
                    network_namespace=self._node.network_namespace,
                    reach=(self._node.address, *self._node.own_proxies, *nameservers(self._resolver)),
                    join=confinement.join,
                    order=order,
                )
                yield Standing(suite=suite, sandbox=sandbox, confinement=confinement, told=told)

    def tell(self, standing: Standing, app: AppFacts) -> None:
        """Tell it of its app: from now on its broker answers, and its names lead there."""
        sign_on = (app.sso.client_secret, app.sso.password) if app.sso else ()
        for secret in (*app.secrets.values(), *sign_on):
            self._redact.learn(secret)
        # the same file, which the sandbox has bound; a name server may be late on a busy machine
        (standing.sandbox.scratch / "etc/hosts").write_text(self._hosts(app))
        standing.told.learn(Knowledge(app=app, suite=standing.suite, logs=self._logs, redact=self._redact))

    @property
    def _broker_uid(self) -> int:
        return os.geteuid() if self.uid is None else self.uid

    def _furnish(self, scratch: Path, *, suite: Suite) -> None:
        copy_suite(suite, scratch / "suite")
        furnish(
            scratch,
            uid=self._broker_uid,
            resolver=self._resolver,
            hosts=self._lab_hosts if self._lab_names else "",
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
        address = app.address or self._node.address
        names = (app.domain, *app.further_hosts) if _is_address(address) else ()
        others = self._lab_hosts if self._lab_names else ""
        # the first line that has a name decides
        return hosts_file(names, address=address) + others

    @property
    def _lab_names(self) -> bool:
        return self.uid is not None and self._node.mount_namespace is not None

    @cached_property
    def _lab_hosts(self) -> str:
        return self._of_lab("/etc/hosts")

    def _of_lab(self, path: str) -> str:
        """A file as the node's own mount namespace has it."""
        argv = ("nsenter", f"--mount={self._node.mount_namespace}", "--", "cat", path)
        return check(self._runner(argv), what=f"node {self._node.name}: {path}").stdout


def _pipe(path: Path) -> Path:
    os.mkfifo(path)
    # to be read by the tests' uid, whatever the umask
    path.chmod(0o644)
    return path


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
