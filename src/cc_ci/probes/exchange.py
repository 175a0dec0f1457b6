"""One request and its answer within one total time, whatever the other side does, and bounded in size.

A client's own timeouts are for each read: a server that drips a byte now and then keeps it for days. Here a
connection serves one request, and its life is as long as that may take.
"""

import contextlib
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import httpcore2
import httpx2

from cc_ci.probes.answers import BODY_LIMIT, RECEIVED_LIMIT, Answer, Certificate, Problem, ProblemKind
from cc_ci.probes.certificates import caused_by_certificate, parse
from cc_ci.system.printable import one_line
from cc_ci.system.units import Seconds

CHARSETS = {"iso-8859-1": "latin-1", "latin-1": "latin-1", "windows-1252": "cp1252"}
"""All else is read as UTF-8: of the names that Python knows, some are no character sets but programs."""

Connect = Callable[..., httpcore2.NetworkStream]


class _Stream(httpcore2.NetworkStream):
    """A connection that ends at `deadline` (monotonic), whichever of its steps is under way."""

    def __init__(self, stream: httpcore2.NetworkStream, *, deadline: Seconds) -> None:
        self._stream = stream
        self._deadline = deadline

    def _left(self, late: type[Exception]) -> Seconds:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise late("the whole answer took too long")
        return left

    def read(self, max_bytes: int, timeout: Seconds | None = None) -> bytes:  # noqa: ARG002
        return self._stream.read(max_bytes, timeout=self._left(httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: Seconds | None = None) -> None:  # noqa: ARG002
        self._stream.write(buffer, timeout=self._left(httpcore2.WriteTimeout))

    def start_tls(
        self,
        ssl_context: Any,
        server_hostname: str | None = None,
        timeout: Seconds | None = None,  # noqa: ARG002
    ) -> httpcore2.NetworkStream:
        left = self._left(httpcore2.ConnectTimeout)
        encrypted = self._stream.start_tls(ssl_context, server_hostname=server_hostname, timeout=left)
        return _Stream(encrypted, deadline=self._deadline)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore2.NetworkBackend):
    """Opens connections by `connect`, whose `timeout` is that of the whole request."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: Seconds | None = None,
        local_address: str | None = None,  # noqa: ARG002 - ours have none
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - ours have none
    ) -> httpcore2.NetworkStream:
        assert timeout is not None  # noqa: S101 - `exchange` sets it
        deadline = time.monotonic() + timeout
        return _Stream(self._connect(host, port, timeout=timeout), deadline=deadline)


class Transport(httpx2.HTTPTransport):
    """Connects to `address`, if given, whatever the URL says; SNI, Host and the name verified stay its."""

    def __init__(self, *, trust: Any, address: str | None = None, connect: Connect | None = None) -> None:
        super().__init__(verify=trust, trust_env=False)
        self._address = address
        # connections are pooled by address, so one that is kept would serve another name's request
        self._pool = httpcore2.ConnectionPool(
            ssl_context=trust,
            max_keepalive_connections=0,
            network_backend=_Backend(connect or httpcore2.SyncBackend().connect_tcp),
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if self._address is not None:
            request.extensions = {**request.extensions, "sni_hostname": request.url.host}
            request.url = request.url.copy_with(host=self._address)
        return super().handle_request(request)


def exchange(
    transport: httpx2.BaseTransport,
    method: str,
    url: str,
    *,
    content: str | None = None,
    headers: Mapping[str, str] = {},
    timeout: Seconds,
) -> Answer:
    """Ask once; no redirect is followed, no cookie kept. Never raises: see the answer's `problem`."""
    started = time.monotonic()
    try:
        limits = dict.fromkeys(("connect", "read", "write", "pool"), timeout)
        request = httpx2.Request(
            method,
            url,
            content=content,
            headers={"accept": "*/*", "accept-encoding": "identity", "user-agent": "cc-ci", **headers},
            extensions={"timeout": limits},
        )
        with contextlib.closing(transport.handle_request(request)) as response:
            return _answer(url, response, started=started)
    except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
        detail = one_line(str(error) or type(error).__name__, most=300)
        problem = Problem(kind=problem_kind(error), detail=detail)
        return Answer(url=url, seconds=time.monotonic() - started, problem=problem)


def _answer(url: str, response: httpx2.Response, *, started: Seconds) -> Answer:
    # the connection, and with it the certificate, is gone once the body is read
    certificate = _certificate(response)
    headers = {name.lower(): value for name, value in response.headers.items()}
    body = _text(_received(response), headers)
    return Answer(
        url=url,
        status=response.status_code,
        headers=headers,
        body=body,
        seconds=time.monotonic() - started,
        certificate=certificate,
    )


def _received(response: httpx2.Response) -> bytes:
    received = bytearray()
    for part in response.iter_raw():
        received += part
        if len(received) >= RECEIVED_LIMIT:
            break
    return bytes(received[:RECEIVED_LIMIT])


def _text(received: bytes, headers: Mapping[str, str]) -> str:
    """The beginning of a body as text; one that is compressed unasked is unpacked no further than that."""
    if headers.get("content-encoding", "").strip().lower() in ("gzip", "deflate"):
        with contextlib.suppress(zlib.error):
            received = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32).decompress(received, RECEIVED_LIMIT)
    charset = headers.get("content-type", "").lower().partition("charset=")[2].strip("\"' ")
    return received.decode(CHARSETS.get(charset, "utf-8"), errors="replace")[:BODY_LIMIT]


def _certificate(response: httpx2.Response) -> Certificate | None:
    stream = response.extensions.get("network_stream")
    tls = stream.get_extra_info("ssl_object") if stream else None
    return parse(tls.getpeercert(True)) if tls else None  # noqa: FBT003 - the C object takes no keyword


def problem_kind(error: Exception) -> ProblemKind:
    if isinstance(error, httpx2.TimeoutException):
        return "timeout"
    if caused_by_certificate(error):
        return "certificate"
    return "unreachable" if isinstance(error, httpx2.ConnectError) else "protocol"
