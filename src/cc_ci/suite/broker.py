"""The narrow way out of the sandbox: a Unix socket that answers the verbs of `protocol.Request`.

One request per connection: a line of JSON each way. It serves one run, and only its sandbox's uid.
"""

import contextlib
import itertools
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from cc_ci.suite.facts import Suite
from cc_ci.suite.protocol import (
    ANSWER_LIMIT,
    REQUEST_LIMIT,
    AppFacts,
    AskFacts,
    AskLogs,
    AskSecret,
    BrokerAnswer,
    BrokerRequest,
    SayLoaded,
    ToldFacts,
)
from cc_ci.system.printable import one_line
from cc_ci.system.redaction import Redactor
from cc_ci.system.units import Seconds

PATIENCE: Seconds = 5.0
"""For one whole line; the suite waits on itself meanwhile, nobody else does."""
MOST_REQUESTS = 2000
"""A suite that asks in a loop must not keep the engine busy for ever; what comes later is refused at once."""
SHORTEST: Seconds = 0.001
"""A timeout of 0 is none to a socket."""
FAREWELL: Seconds = 2.0
"""How long a question that is being answered is waited for when the suite is over."""


class Knowledge:
    """Answers each verb for one app; knows no more than the suite may."""

    def __init__(
        self,
        *,
        app: AppFacts,
        suite: Suite,
        logs: Callable[[str], str],
        redact: Redactor,
    ) -> None:
        self._app = app
        self._secrets = {name: app.secrets[name] for name in suite.secrets if name in app.secrets}
        # an app's env may hold passwords: a suite gets back what it set itself
        self._env = {name: app.env[name] for name in suite.env_names if name in app.env}
        self._seeds = suite.seeds
        self._logs = logs
        self._redact = redact

    def __call__(self, request: BrokerRequest) -> BrokerAnswer:
        match request:
            case AskFacts():
                return BrokerAnswer(facts=self._facts())
            case AskSecret(name=name):
                return self._secret(name)
            case AskLogs(service=service, lines=lines):
                return self._log(service, lines=lines)
            case SayLoaded():
                return BrokerAnswer()

    def _facts(self) -> ToldFacts:
        app = self._app
        return ToldFacts(
            domain=app.domain,
            url=f"https://{app.domain}",
            services=app.services,
            secrets=tuple(self._secrets),
            env=self._env,
            version=app.version,
            seeds=self._seeds,
            variant=app.variant,
            sso=app.sso,
        )

    def _secret(self, name: str) -> BrokerAnswer:
        if name in self._secrets:
            return BrokerAnswer(text=self._secrets[name])
        known = ", ".join(self._secrets) or "none"
        return BrokerAnswer(
            problem=f"secret {name!r}: not declared in suite.toml or not the app's; there is: {known}"
        )

    def _log(self, service: str, *, lines: int) -> BrokerAnswer:
        if service not in self._app.services:
            known = ", ".join(self._app.services)
            return BrokerAnswer(
                problem=f"service {service!r}: the app has none of that name; there is: {known}"
            )
        text = self._redact(self._logs(f"{self._app.stack_name}_{service}"))
        tail = "\n".join(text.splitlines()[-max(lines, 1) :])
        # JSON may write one byte as six
        return BrokerAnswer(text=tail[-ANSWER_LIMIT // 6 :])


class Broker:
    """Serve `knowledge` on a socket at `path` while the context is open; other uids are turned away."""

    def __init__(self, *, path: Path, knowledge: Callable[[BrokerRequest], BrokerAnswer], uid: int) -> None:
        self._path = path
        self._knowledge = knowledge
        self._uid = uid
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._thread = threading.Thread(target=self._serve, name="suite-broker", daemon=True)

    def __enter__(self) -> Self:
        self._bind()
        self._path.chmod(0o600)
        if os.geteuid() == 0:
            os.chown(self._path, self._uid, self._uid)
        self._socket.listen(8)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            # wakes the thread out of accept, which close alone does not
            self._socket.shutdown(socket.SHUT_RDWR)
        # it may be asking the engine for a log: nobody waits for that answer any more
        self._thread.join(FAREWELL)
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _bind(self) -> None:
        """By a short name of its folder: the kernel takes 107 bytes of a path, and ours may be longer."""
        folder = os.open(self._path.parent, os.O_PATH | os.O_DIRECTORY)
        try:
            self._socket.bind(f"/proc/self/fd/{folder}/{self._path.name}")
        finally:
            os.close(folder)

    def _serve(self) -> None:
        for turn in itertools.count():
            try:
                connection, _address = self._socket.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                answer = self._answer(connection, until=time.monotonic() + PATIENCE, turn=turn)
                connection.settimeout(PATIENCE)
                connection.sendall(msgspec.json.encode(answer) + b"\n")

    def _answer(self, connection: socket.socket, *, until: Seconds, turn: int) -> BrokerAnswer:
        try:
            # read even what will be refused: to close on unread bytes resets the connection, answer and all
            line = _line(connection, until=until)
            if turn >= MOST_REQUESTS:
                return BrokerAnswer(problem=f"more than {MOST_REQUESTS} questions; none is answered any more")
            if (uid := peer_uid(connection)) != self._uid:
                return BrokerAnswer(problem=f"uid {uid} is not this run's")
            return self._knowledge(msgspec.json.decode(line, type=BrokerRequest))
        except TimeoutError:
            return BrokerAnswer(problem=f"no answer: the question was not whole after {PATIENCE:g} s")
        except msgspec.MsgspecError as error:
            return BrokerAnswer(problem=f"request not understood: {error}")
        except Exception as error:  # noqa: BLE001 - the suite is told, the run goes on
            return BrokerAnswer(problem=f"no answer: {one_line(str(error), most=500)}")


def _line(connection: socket.socket, *, until: Seconds) -> bytes:
    received = b""
    while not received.endswith(b"\n") and len(received) <= REQUEST_LIMIT:
        connection.settimeout(max(until - time.monotonic(), SHORTEST))
        if not (part := connection.recv(REQUEST_LIMIT)):
            break
        received += part
    if len(received) > REQUEST_LIMIT:
        raise msgspec.ValidationError(f"longer than {REQUEST_LIMIT} bytes")
    return received


def peer_uid(connection: socket.socket) -> int:
    """The uid that the kernel vouches for at the other end."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _pid, uid, _gid = struct.unpack("3i", credentials)
    return int(uid)
