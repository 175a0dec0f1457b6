"""The app as a suite sees it, from inside the sandbox."""

import importlib
import socket
import ssl
import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx2
import msgspec

from cc_ci.providers.api import SignOn
from cc_ci.suite.protocol import (
    BROKER_SOCKET,
    CA_BUNDLE,
    SUITE_FOLDER,
    AskFacts,
    AskLogs,
    AskSecret,
    BrokerAnswer,
    BrokerRequest,
    SayLoaded,
    ToldFacts,
)

HTTP_TIMEOUT = 30.0


class SuiteProblem(Exception):  # noqa: N818 - reads as what it is
    """What a test needs is not there, through no fault of the app: the test is errored, not failed."""


class SuiteApp:
    """The app under test, as far as a suite may know it."""

    def __init__(self, *, socket_path: Path = BROKER_SOCKET) -> None:
        self._socket_path = socket_path
        self.kept: dict[str, str] = {}
        """In the seed module: what the run, not the app, remembers from call to call, such as a token."""

    @property
    def domain(self) -> str:
        return self._facts.domain

    @property
    def url(self) -> str:
        return self._facts.url

    @property
    def services(self) -> tuple[str, ...]:
        return self._facts.services

    @property
    def env(self) -> Mapping[str, str]:
        return self._facts.env

    @property
    def version(self) -> str | None:
        return self._facts.version

    @property
    def variant(self) -> str | None:
        """The variant of suite.toml that it is deployed as; None without one."""
        return self._facts.variant

    @property
    def seeds(self) -> str | None:
        """The seed module's file name."""
        return self._facts.seeds

    @property
    def sso(self) -> SignOn | None:
        """The run's realm, client and user at the provider; None where the suite needs none."""
        return self._facts.sso

    def say_loaded(self) -> None:
        """Of a call that was begun ahead: it waits for its order now."""
        self._ask(SayLoaded())

    def secret(self, name: str) -> str:
        """The value of a secret that suite.toml declares."""
        return self._ask(AskSecret(name=name)).text or ""

    def logs(self, service: str, *, lines: int = 200) -> str:
        """The last lines that a service of the app logged, without secrets."""
        return self._ask(AskLogs(service=service, lines=lines)).text or ""

    @cached_property
    def _facts(self) -> ToldFacts:
        facts = self._ask(AskFacts()).facts
        if facts is None:
            raise SuiteProblem("broker: no facts in its answer")
        return facts

    def _ask(self, request: BrokerRequest) -> BrokerAnswer:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.connect(str(self._socket_path))
                connection.sendall(msgspec.json.encode(request) + b"\n")
                with connection.makefile("rb") as stream:
                    answer = msgspec.json.decode(stream.readline(), type=BrokerAnswer)
        except (OSError, msgspec.MsgspecError) as error:
            raise SuiteProblem(f"broker: {error}") from error
        if answer.problem:
            raise SuiteProblem(answer.problem)
        return answer


def http_client(app: SuiteApp, *, verify: ssl.SSLContext | None = None) -> httpx2.Client:
    """An HTTP client of the app's: relative to its URL, its certificate verified, no redirect followed."""
    return httpx2.Client(
        base_url=app.url,
        verify=verify or trust(),
        timeout=HTTP_TIMEOUT,
        trust_env=False,
        follow_redirects=False,
    )


def trust() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(CA_BUNDLE))


class Seed:
    """The suite's seed module, bound to the app: what a user would put in and read back."""

    def __init__(self, *, module: ModuleType, app: SuiteApp, http: httpx2.Client) -> None:
        self._module = module
        self._app = app
        self._http = http

    def write(self, key: str, value: str) -> None:
        self._call("write")(self._app, self._http, key, value)

    def read(self, key: str) -> str | None:
        """The value under `key`, None if there is none."""
        value = self._call("read")(self._app, self._http, key)
        if value is not None and not isinstance(value, str):
            raise SuiteProblem(
                f"{self._module.__name__}.py: read gave {type(value).__name__}, not str or None"
            )
        return value

    def delete(self, key: str) -> None:
        self._call("delete")(self._app, self._http, key)

    def _call(self, name: str) -> Callable[..., Any]:
        function: Callable[..., Any] | None = getattr(self._module, name, None)
        if function is None:
            raise SuiteProblem(f"{self._module.__name__}.py: no function {name!r}")
        return function


def load_seeds(app: SuiteApp, *, folder: Path = SUITE_FOLDER) -> ModuleType:
    """Import the suite's seed module."""
    if app.seeds is None:
        raise SuiteProblem("suite.toml: seeds: none declared")
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    return importlib.import_module(Path(app.seeds).stem)


def blames_app(error: BaseException) -> bool:
    """A false assertion and a broken HTTP exchange speak of the app, in whatever phase they occur."""
    return isinstance(error, (AssertionError, httpx2.HTTPError)) and not no_name_server(error)


def no_name_server(error: BaseException) -> bool:
    """Whether a request failed because no name server answered in time: the lab's fault, not the app's."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_AGAIN:
            return True
        # httpx2 hides the socket's own error from tracebacks, but keeps it
        cause = cause.__cause__ or cause.__context__
    return False
