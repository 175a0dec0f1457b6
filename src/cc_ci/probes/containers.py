"""Plain http to a container's own address, past the proxy.

On a private node the connection is opened inside the container's own network namespace: every container has
one, also those that are on internal networks only, which no address outside of them reaches.
"""

import contextlib
import ctypes
import functools
import os
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpcore2

from cc_ci.engine.api import Engine
from cc_ci.engine.node import Node
from cc_ci.engine.state import ContainerState
from cc_ci.errors import InfrastructureError
from cc_ci.probes.answers import Answer, Problem, get
from cc_ci.probes.exchange import Transport, exchange
from cc_ci.probes.helper import PROBE_IMAGE, HelperProbe
from cc_ci.probes.predicates import Straight
from cc_ci.system.process import Runner
from cc_ci.system.units import Seconds

LOOPBACK = "127.0.0.1"
OWN_NETWORK = Path("/proc/thread-self/ns/net")
CLONE_NEWNET = 0x40000000
"""The kind of namespace that setns(2) is to enter; include/uapi/linux/sched.h."""


def straight(node: Node, engine: Engine, runner: Runner, *, labels: Mapping[str, str] = {}) -> Straight:
    """How to ask containers of `node`: from here, or on a foreign node by a helper beside them."""

    def ask(container: str, *, port: int, path: str, timeout: Seconds) -> Answer:
        state = engine.container(container)
        url = f"http://{_address(state)}:{port}{path}"
        if state is None or not state.pid:
            return _unanswered(url, "the container is gone")
        if node.private:
            return ask_in(Path(f"/proc/{state.pid}/ns/net"), url, timeout=timeout)
        helper = HelperProbe(
            node,
            runner,
            image=PROBE_IMAGE,
            network=f"container:{container}",
            address=_address(state),
            labels=labels,
        )
        return get(helper, url, timeout=timeout)

    return ask


def _address(state: ContainerState | None) -> str:
    """Any of the container's own; one with the node's network has none."""
    return next(iter(state.addresses.values()), LOOPBACK) if state else LOOPBACK


def ask_in(namespace: Path, url: str, *, timeout: Seconds) -> Answer:
    """GET `url`, within `timeout` in all, from inside a network namespace; redirects are not followed."""
    return _asked(namespace, "GET", url, content=None, headers={}, timeout=timeout)


def asked_within(
    pid: int, method: str, url: str, *, content: str | None, headers: Mapping[str, str], timeout: Seconds
) -> Answer:
    """Ask from inside the network of a process; redirects are not followed."""
    namespace = Path(f"/proc/{pid}/ns/net")
    return _asked(namespace, method, url, content=content, headers=headers, timeout=timeout)


def _asked(
    namespace: Path,
    method: str,
    url: str,
    *,
    content: str | None,
    headers: Mapping[str, str],
    timeout: Seconds,
) -> Answer:
    connect = functools.partial(_connect, namespace)
    with contextlib.closing(Transport(trust=_nobody(), connect=connect)) as transport:
        alone = {**headers, "connection": "close"}
        return exchange(transport, method, url, content=content, headers=alone, timeout=timeout)


class Within:
    """Ask what listens in a container, from inside its network; a Requester. For a private node."""

    def __init__(self, engine: Engine, container: str) -> None:
        self._engine = engine
        self._container = container

    def request(
        self,
        method: str,
        url: str,
        *,
        content: str | None = None,
        headers: Mapping[str, str] = {},
        timeout: Seconds = 10.0,
    ) -> Answer:
        state = self._engine.container(self._container)
        if state is None or not state.pid:
            return _unanswered(url, "the container is gone")
        return asked_within(state.pid, method, url, content=content, headers=headers, timeout=timeout)


def _nobody() -> ssl.SSLContext:
    """Trusts no certificate: what is asked is plain http."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _unanswered(url: str, detail: str) -> Answer:
    return Answer(url=url, problem=Problem(kind="unreachable", detail=detail))


def _connect(namespace: Path, host: str, port: int, *, timeout: Seconds) -> httpcore2.NetworkStream:
    """A connection belongs for good to the namespace that it was opened in; the thread comes back."""
    try:
        with _inside(namespace):
            return httpcore2.SyncBackend().connect_tcp(host, port, timeout=timeout)
    except PermissionError as error:
        raise InfrastructureError(f"container's network: {error.strerror}; run as root") from error
    except OSError as error:
        raise httpcore2.ConnectError(f"the container's network is gone ({error.strerror})") from error


@contextlib.contextmanager
def _inside(namespace: Path) -> Iterator[None]:
    """Enter a network namespace with this thread alone. An OSError says that it is gone."""
    with contextlib.ExitStack() as stack:
        own, wanted = (_opened(path, stack) for path in (OWN_NETWORK, namespace))
        _enter(wanted)
        try:
            yield
        finally:
            _enter(own)


def _opened(path: Path, stack: contextlib.ExitStack) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    stack.callback(os.close, descriptor)
    return descriptor


def _enter(descriptor: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET):
        reason = os.strerror(ctypes.get_errno())
        raise InfrastructureError(f"container's network: can't be entered ({reason}); run as root")
