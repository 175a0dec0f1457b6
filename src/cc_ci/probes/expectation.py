"""What an app answers when it serves: what is asked, and why an answer is not the one that is expected."""

from typing import Protocol

import msgspec

from cc_ci.probes.answers import Answer, Requester, from_router, get
from cc_ci.system.units import Seconds


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """What an app answers when it is ready: `path` with one of `statuses`, and `contains` in it.

    Without `statuses`, any answer of the app itself below 500 will do.
    """

    path: str = "/"
    statuses: tuple[int, ...] = ()
    contains: str | None = None
    host: str | None = None
    """Another name than the app's domain, for apps with several."""
    headers: tuple[tuple[str, str], ...] = ()
    """What the router's rule wants to see in a request."""

    def url(self, domain: str, *, scheme: str = "https") -> str:
        return f"{scheme}://{self.host or domain}{self.path}"

    def asked(self, requester: Requester, *, domain: str, timeout: Seconds) -> tuple[Answer, str | None]:
        """The answer through the proxy, and why it is not what is expected, or None if it is."""
        answer = get(requester, self.url(domain), headers=dict(self.headers), timeout=timeout)
        return answer, self.unmet(answer)

    def unmet(self, answer: Answer) -> str | None:
        """Why `answer`, had through the proxy, is not what is expected, or None if it is."""
        if answer.problem is None and from_router(answer):
            return f"{answer.url}: the proxy itself answers {answer.status}: {answer.body.strip()}"
        return self.unmet_by_app(answer)

    def unmet_by_app(self, answer: Answer) -> str | None:
        """Why `answer`, which nobody but the app can have given, is not what is expected."""
        if answer.problem:
            return str(answer)
        if self.statuses and answer.status not in self.statuses:
            wanted = " or ".join(map(str, self.statuses))
            return f"{answer.url}: status {answer.status} instead of {wanted}"
        if not self.statuses and (answer.status or 0) >= 500:  # noqa: PLR2004 - server errors begin there
            return f"{answer.url}: status {answer.status}"
        if self.contains is not None and self.contains not in answer.body:
            return f"{answer.url}: {self.contains!r} is not in the answer"
        return None


class Expected(Protocol):
    """By what an app is known: `Expectation`, or `life.Life` where nobody says."""

    @property
    def path(self) -> str: ...
    @property
    def host(self) -> str | None: ...
    @property
    def headers(self) -> tuple[tuple[str, str], ...]: ...
    def url(self, domain: str, *, scheme: str = "https") -> str: ...
    def asked(self, requester: Requester, *, domain: str, timeout: Seconds) -> tuple[Answer, str | None]: ...
