"""What a request through the proxy came to, as values."""

from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec

from cc_ci.system.units import Bytes, Seconds

BODY_LIMIT = 64 * 1024
"""Characters of a body that are kept as evidence and looked at."""
RECEIVED_LIMIT: Bytes = 4 * BODY_LIMIT
"""Bytes of a body that are read at all; a character may take four."""

ProblemKind = Literal["certificate", "unreachable", "timeout", "protocol"]


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """The certificate that was presented for a name."""

    subject: str
    names: tuple[str, ...]
    issuer: str
    not_after: str

    @property
    def routers_default(self) -> bool:
        """True for the one that Traefik makes up when it has none for the name."""
        return "TRAEFIK DEFAULT CERT" in self.subject


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why there is no answer; `certificate`: the connection came about, its certificate was not trusted."""

    kind: ProblemKind
    detail: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP answer, or the `problem` that there was instead; header names are lower case."""

    url: str
    status: int | None = None
    headers: dict[str, str] = {}
    body: str = ""
    seconds: Seconds = 0.0
    certificate: Certificate | None = None
    problem: Problem | None = None

    def __str__(self) -> str:
        if self.problem:
            return f"{self.url}: {self.problem.kind}: {self.problem.detail}"
        return f"{self.url}: status {self.status}, {len(self.body)} characters"


class Requester(Protocol):
    """Ask an app something through the proxy. Never raises: what went wrong is the answer's `problem`."""

    def request(
        self,
        method: str,
        url: str,
        *,
        content: str | None = None,
        headers: Mapping[str, str] = {},
        timeout: Seconds = 10.0,
    ) -> Answer: ...


def get(
    requester: Requester, url: str, *, headers: Mapping[str, str] = {}, timeout: Seconds = 10.0
) -> Answer:
    return requester.request("GET", url, headers=headers, timeout=timeout)


_OWN_404 = "404 page not found"
_OWN_BODIES = {
    404: (_OWN_404,),
    502: ("Bad Gateway",),
    503: ("no available server", "Service Unavailable"),
    504: ("Gateway Timeout",),
}


def from_router(answer: Answer) -> bool:
    """True when Traefik itself answered, and not the app behind it.

    Traefik writes a bare line of text/plain and no header of an application: no server, no cookie, no length
    but that line's. Its 404 means that no router matches the host yet. An app written in Go may answer
    `http.NotFound`, which is the same to the byte: its suite has to name a path that exists.
    """
    bodies = _OWN_BODIES.get(answer.status or 0, ())
    plain = answer.headers.get("content-type", "text/plain").startswith("text/plain")
    of_an_app = {"server", "set-cookie", "x-powered-by", "etag"} & answer.headers.keys()
    return answer.body.strip() in bodies and plain and not of_an_app


def unreached(answer: Answer) -> bool:
    """True where Traefik says that it did not get through to the app: no connection, or none in time."""
    return answer.status in (502, 504) and from_router(answer)
