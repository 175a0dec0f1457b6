"""Requests to an app by its own name, straight to the node's proxy, with the certificate verified."""

import socket
import ssl
from collections.abc import Mapping
from typing import Self

import httpx2
import msgspec

from cc_ci.engine.node import Node
from cc_ci.probes.answers import Answer
from cc_ci.probes.certificates import presented
from cc_ci.probes.exchange import Transport, exchange
from cc_ci.system.units import Seconds


class Probe:
    """Ask apps on one node; no name is looked up and no redirect followed. Close it, or use `with`.

    Certificates are verified anew for each request; `trust` says against what.
    """

    def __init__(self, node: Node) -> None:
        self._address = node.address
        self._transport = Transport(trust=trust(node), address=node.address)

    def request(
        self,
        method: str,
        url: str,
        *,
        content: str | None = None,
        headers: Mapping[str, str] = {},
        timeout: Seconds = 10.0,
    ) -> Answer:
        answer = exchange(self._transport, method, url, content=content, headers=headers, timeout=timeout)
        if answer.problem is None or answer.problem.kind != "certificate":
            return answer
        to = httpx2.URL(url)
        shown = presented(self._address, to.host, port=to.port or 443)
        return msgspec.structs.replace(answer, certificate=shown)

    def close(self) -> None:
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def trust(node: Node) -> ssl.SSLContext:
    """Verify names and chains: against the lab's authority alone, or on a foreign node the system's, too."""
    authority = str(node.ca_certificate) if node.ca_certificate else None
    if node.private:
        return ssl.create_default_context(cafile=authority)
    context = ssl.create_default_context()
    if authority:
        context.load_verify_locations(authority)
    return context


def reachable(address: str, *, timeout: Seconds = 2.0, port: int = 443) -> bool:
    """True when this machine can open a connection to the node's proxy."""
    try:
        socket.create_connection((address, port), timeout=timeout).close()
    except OSError:
        return False
    return True
