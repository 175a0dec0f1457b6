"""Requests to an app by its own name, straight to the node's proxy, with the certificate verified."""

import socket
import ssl
import time
from collections.abc import Mapping
from typing import Self

import httpx2

from cc_ci.engine.node import Node
from cc_ci.probes.answers import BODY_LIMIT, Answer, Problem, ProblemKind
from cc_ci.probes.certificates import parse, presented
from cc_ci.system.units import Seconds


class _Pinned(httpx2.HTTPTransport):
    """Connects to one address whatever the URL says; SNI, the name verified and Host stay the URL's."""

    def __init__(self, address: str, *, trust: ssl.SSLContext) -> None:
        # connections are pooled by address, so one that is kept would serve another name's request
        super().__init__(verify=trust, trust_env=False, limits=httpx2.Limits(max_keepalive_connections=0))
        self._address = address

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.extensions = {**request.extensions, "sni_hostname": request.url.host}
        request.url = request.url.copy_with(host=self._address)
        return super().handle_request(request)


class Probe:
    """Ask apps on one node; no name is looked up and no redirect followed. Close it, or use `with`.

    Certificates are verified anew for each request; `trust` says against what.
    """

    def __init__(self, node: Node) -> None:
        self._address = node.address
        transport = _Pinned(node.address, trust=trust(node))
        self._client = httpx2.Client(transport=transport, trust_env=False)

    def request(
        self,
        method: str,
        url: str,
        *,
        content: str | None = None,
        headers: Mapping[str, str] = {},
        timeout: Seconds = 10.0,
    ) -> Answer:
        started = time.monotonic()
        try:
            with self._client.stream(
                method, url, content=content, headers=dict(headers), timeout=timeout
            ) as response:
                return _answer(url, response, started=started)
        except httpx2.HTTPError as error:
            return self._unanswered(url, error, seconds=time.monotonic() - started)

    def _unanswered(self, url: str, error: httpx2.HTTPError, *, seconds: Seconds) -> Answer:
        kind, detail = problem_kind(error), str(error) or type(error).__name__
        to = httpx2.URL(url)
        shown = presented(self._address, to.host, port=to.port or 443) if kind == "certificate" else None
        problem = Problem(kind=kind, detail=detail)
        return Answer(url=url, seconds=seconds, certificate=shown, problem=problem)

    def close(self) -> None:
        self._client.close()

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


def _answer(url: str, response: httpx2.Response, *, started: Seconds) -> Answer:
    # the connection, and with it the certificate, is gone once the body is read
    certificate = parse(_der(response))
    body = _body(response)
    return Answer(
        url=url,
        status=response.status_code,
        headers={name.lower(): value for name, value in response.headers.items()},
        body=body,
        seconds=time.monotonic() - started,
        certificate=certificate,
    )


def _body(response: httpx2.Response) -> str:
    kept = ""
    for text in response.iter_text():
        kept += text
        if len(kept) >= BODY_LIMIT:
            break
    return kept[:BODY_LIMIT]


def _der(response: httpx2.Response) -> bytes | None:
    stream = response.extensions.get("network_stream")
    tls = stream.get_extra_info("ssl_object") if stream else None
    return tls.getpeercert(True) if tls else None  # noqa: FBT003 - the C object takes no keyword


def problem_kind(error: httpx2.HTTPError) -> ProblemKind:
    if isinstance(error, httpx2.TimeoutException):
        return "timeout"
    if _caused_by(error, ssl.SSLCertVerificationError):
        return "certificate"
    return "unreachable" if isinstance(error, httpx2.ConnectError) else "protocol"


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False
