"""Waiting until an app answers as it should, through the proxy.

An HTTP answer gives no event, so this polls; how often is a parameter. The first good answer is confirmed by
a second one after a short hold: the router may know a container that is about to go.
"""

from collections.abc import Callable

import msgspec

from cc_ci.errors import CcCiError, InfrastructureError, StageFailed
from cc_ci.probes.answers import Answer, Requester, from_router, get
from cc_ci.system.clock import Clock
from cc_ci.system.units import Seconds


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """An app's own sign that it is ready: `path` answers with one of `statuses` and has `contains` in it.

    Without `statuses`, any answer of the app itself below 500 will do.
    """

    path: str = "/"
    statuses: tuple[int, ...] = ()
    contains: str | None = None
    host: str | None = None
    """Another name than the app's domain, for apps with several."""

    def url(self, domain: str) -> str:
        return f"https://{self.host or domain}{self.path}"

    def unmet(self, answer: Answer) -> str | None:
        """Why `answer` is not what is expected, or None if it is."""
        if answer.problem:
            return str(answer)
        if from_router(answer):
            return f"{answer.url}: the proxy itself answers {answer.status}: {answer.body.strip()}"
        if self.statuses and answer.status not in self.statuses:
            wanted = " or ".join(map(str, self.statuses))
            return f"{answer.url}: status {answer.status} instead of {wanted}"
        if not self.statuses and (answer.status or 0) >= 500:  # noqa: PLR2004 - server errors begin there
            return f"{answer.url}: status {answer.status}"
        if self.contains is not None and self.contains not in answer.body:
            return f"{answer.url}: {self.contains!r} is not in the answer"
        return None


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """How an app came to be ready; stamps are monotonic.

    `true_at`: the first good answer was complete. `bad_until`: the last look before it that was not good, so
    the difference is the resolution. `noticed_at`: it was confirmed.
    """

    answers: tuple[Answer, ...]
    looks: int
    true_at: Seconds
    noticed_at: Seconds
    bad_until: Seconds | None


class NotReady(StageFailed):
    """The app did not get ready; `answers` are the last ones, for the evidence."""

    def __init__(self, message: str, *, answers: tuple[Answer, ...]) -> None:
        super().__init__(message)
        self.answers = answers


class Look(msgspec.Struct, frozen=True, kw_only=True):
    answers: tuple[Answer, ...]
    unmet: tuple[str, ...]
    at: Seconds


class Readying:
    """One wait for one app; `interval` between looks and `hold` before the second good one are levers.

    `explain` tells what in the recipe makes an answer not the app's, for the message of a wait in vain.
    """

    def __init__(
        self,
        requester: Requester,
        *,
        domain: str,
        expectations: tuple[Expectation, ...] = (Expectation(),),
        clock: Clock,
        interval: Seconds = 0.2,
        hold: Seconds = 0.5,
        request_timeout: Seconds = 10.0,
        explain: Callable[[Answer], str | None] = lambda _answer: None,
    ) -> None:
        self._requester = requester
        self._domain = domain
        self._expectations = expectations
        self._clock = clock
        self._interval = interval
        self._hold = hold
        self._request_timeout = request_timeout
        self._explain = explain

    def look(self) -> Look:
        answers = tuple(
            get(self._requester, expectation.url(self._domain), timeout=self._request_timeout)
            for expectation in self._expectations
        )
        unmet = tuple(
            reason
            for expectation, answer in zip(self._expectations, answers, strict=True)
            if (reason := expectation.unmet(answer))
        )
        return Look(answers=answers, unmet=unmet, at=self._clock.monotonic())

    def wait(self, *, timeout: Seconds, failed: Callable[[], str | None] = lambda: None) -> Readiness:
        """Look until all expectations are met twice.

        `failed` says why it can never happen (the stack crashed), or None. Raises NotReady with the last
        answers, InfrastructureError when the proxy itself was never to be reached.
        """
        deadline = self._clock.monotonic() + timeout
        looks, bad_until = 0, None
        good: Look | None = None
        while True:
            look = self.look()
            looks += 1
            if good and not look.unmet:
                return Readiness(
                    answers=look.answers,
                    looks=looks,
                    true_at=good.at,
                    noticed_at=look.at,
                    bad_until=bad_until,
                )
            good = None if look.unmet else look
            bad_until = look.at if look.unmet else bad_until
            if look.unmet and (reason := failed()):
                raise NotReady(f"readiness: {reason}", answers=look.answers)
            remaining = deadline - self._clock.monotonic()
            if remaining <= 0:
                raise self._late(look, timeout=timeout)
            self._clock.sleep(min(self._hold if good else self._interval, remaining))

    def _late(self, look: Look, *, timeout: Seconds) -> CcCiError:
        causes = (cause for answer in look.answers if (cause := self._explain(answer)))
        last = "; ".join([*look.unmet, *causes]) or "it answered well, but too late to be confirmed"
        if look.unmet and all(_unreachable(answer) for answer in look.answers):
            return InfrastructureError(f"proxy: not to be reached for {timeout:g} s; last: {last}")
        message = f"readiness: not there after {timeout:g} s; last: {last}"
        return NotReady(message, answers=look.answers)


def _unreachable(answer: Answer) -> bool:
    return answer.problem is not None and answer.problem.kind == "unreachable"
