"""Waiting until an app is ready by all its signs: predicates that are looked at side by side.

An answer gives no event, so this polls; how often is a parameter. Each predicate has its own time, that of
its first good look. Once all have held, all are looked at again after a short hold: the router may know a
container that is about to go.
"""

import concurrent.futures
import functools
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, Future
from typing import Any, Protocol

import msgspec

from cc_ci.errors import CcCiError, InfrastructureError, StageFailed
from cc_ci.probes.answers import Answer
from cc_ci.system import stopping
from cc_ci.system.clock import Clock
from cc_ci.system.threads import Pool
from cc_ci.system.units import Seconds


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What one look came to: `unmet` says why the predicate does not hold, None when it does.

    `no_proxy`: the proxy itself was not to be reached, which says nothing of the app.
    """

    unmet: str | None = None
    answer: Answer | None = None
    no_proxy: bool = False


class Predicate(Protocol):
    """One sign that an app is ready. A look raises InfrastructureError where it can't be taken."""

    @property
    def name(self) -> str: ...
    @property
    def waits_for(self) -> str: ...
    def look(self) -> Sight: ...


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """How one predicate came to hold; stamps are monotonic.

    `true_at`: its first good look was complete, None as long as there is none. `bad_until`: the last look
    before that was not good, so the difference is the resolution.
    """

    name: str
    waits_for: str
    looks: int
    bad_until: Seconds | None
    true_at: Seconds | None
    unmet: str | None

    @property
    def resolution(self) -> Seconds | None:
        return None if self.true_at is None or self.bad_until is None else self.true_at - self.bad_until


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """`true_at`: the last predicate came to hold; `noticed_at`: all of them were confirmed."""

    predicates: tuple[Held, ...]
    true_at: Seconds
    noticed_at: Seconds


class NotReady(StageFailed):
    """The app did not get ready; `answers` are the last ones, for the evidence."""

    def __init__(self, message: str, *, answers: tuple[Answer, ...]) -> None:
        super().__init__(message)
        self.answers = answers


LOOK_TIMEOUT: Seconds = 40.0
"""The first answer of a cold worker took up to 30 s on two busy processors, and was a good one."""
LONGEST_LOOK: Seconds = 1.5 * LOOK_TIMEOUT
"""One that outlasts this hangs."""


class _Watched:
    """One predicate as it is looked at, again and again."""

    def __init__(self, predicate: Predicate, *, due: Seconds) -> None:
        self.predicate = predicate
        self.due = due
        self.looks = 0
        self.sight = Sight(unmet="no look at it is over yet")
        self.bad_until: Seconds | None = None
        self.true_at: Seconds | None = None

    def saw(self, sight: Sight, at: Seconds) -> None:
        self.looks += 1
        self.sight = sight
        if sight.unmet:
            self.bad_until, self.true_at = at, None
        elif self.true_at is None:
            self.true_at = at

    def held(self) -> Held:
        return Held(
            name=self.predicate.name,
            waits_for=self.predicate.waits_for,
            looks=self.looks,
            bad_until=self.bad_until,
            true_at=self.true_at,
            unmet=self.sight.unmet,
        )


_Flying = dict[Future[tuple[Sight, Seconds]], _Watched]
"""Looks that are under way, and what they look at."""


class Readying:
    """One wait for one app; `interval` between looks and `hold` before all are confirmed are levers.

    So is `slackening`: looks are at least that share of the wait so far apart, so that they are late by no
    more than that share of what is waited for, however long it takes.

    `side_by_side` gives what takes as many looks at once as it is told.
    """

    def __init__(
        self,
        *predicates: Predicate,
        clock: Clock,
        interval: Seconds = 0.2,
        slackening: float = 0.0,
        hold: Seconds = 0.5,
        side_by_side: Callable[[int], Executor] = Pool,
    ) -> None:
        self._clock = clock
        self._interval = interval
        self._slackening = slackening
        self._began = clock.monotonic()
        self._hold = hold
        self._side_by_side = side_by_side
        self._watched = [_Watched(predicate, due=clock.monotonic()) for predicate in predicates]
        self._asked_at: Seconds | None = None

    @property
    def seen(self) -> tuple[Held, ...]:
        """What is known of each predicate by now, also after a wait in vain."""
        return tuple(one.held() for one in self._watched)

    def wait(self, *, timeout: Seconds, failed: Callable[[], str | None] = lambda: None) -> Readiness:
        """Look until all predicates hold, and still do after the hold.

        `failed` says why they never can (the stack crashed), or None. Raises NotReady, which names the
        predicates that never came true, or InfrastructureError when the proxy was never to be reached.
        """
        deadline = self._clock.monotonic() + timeout
        with self._side_by_side(len(self._watched)) as pool:
            while True:
                self._until_all_hold(pool, deadline=deadline, timeout=timeout, failed=failed)
                true_at = max(one.true_at or 0.0 for one in self._watched)
                remaining = deadline - self._clock.monotonic()
                if remaining <= 0:
                    raise self._late(timeout)
                self._clock.sleep(min(self._hold, remaining))
                noticed_at = self._look_at_all(pool, timeout=timeout)
                if not self._outstanding():
                    return Readiness(predicates=self.seen, true_at=true_at, noticed_at=noticed_at)
                self._require_sound(failed)

    def _until_all_hold(
        self, pool: Executor, *, deadline: Seconds, timeout: Seconds, failed: Callable[[], str | None]
    ) -> None:
        """Each predicate is looked at in its own rhythm, so that one that hangs holds up no other."""
        flying: _Flying = {}
        while outstanding := self._outstanding():
            idle = [one for one in outstanding if one not in flying.values()]
            due = [one for one in idle if min(one.due, deadline) <= self._clock.monotonic()]
            flying.update({pool.submit(self._look, one.predicate): one for one in due})
            until = min([deadline, *(one.due for one in idle if one not in due)])
            if not flying:
                self._clock.sleep(max(until - self._clock.monotonic(), 0.0))
                continue
            self._land(flying, until=until)
            if self._outstanding():
                self._require_sound(failed)
                if self._clock.monotonic() >= deadline:
                    raise self._late(timeout)

    def _land(self, flying: _Flying, *, until: Seconds) -> None:
        """Wait until a look is done, and take in all that are; a stop ends the wait at once."""
        told: Future[Any] = Future()
        with stopping.current().watched(functools.partial(_tell, told)):
            remaining = max(until - self._clock.monotonic(), 0.0)
            waited: list[Future[Any]] = [*flying, told]
            done, _ = concurrent.futures.wait(waited, timeout=remaining, return_when=FIRST_COMPLETED)
        stopping.current().check()
        for future in [one for one in flying if one in done]:
            self._saw(flying.pop(future), *future.result())

    def _saw(self, one: _Watched, sight: Sight, at: Seconds) -> None:
        one.saw(sight, at)
        one.due = at + self._pause(at)

    def _pause(self, now: Seconds) -> Seconds:
        return max(self._interval, self._slackening * (now - self._began))

    def _outstanding(self) -> list[_Watched]:
        return [one for one in self._watched if one.true_at is None]

    def _look(self, predicate: Predicate) -> tuple[Sight, Seconds]:
        return predicate.look(), self._clock.monotonic()

    def _look_at_all(self, pool: Executor, *, timeout: Seconds) -> Seconds:
        flying = {pool.submit(self._look, one.predicate): one for one in self._watched}
        until = self._clock.monotonic() + LONGEST_LOOK
        while flying:
            self._land(flying, until=until)
            if flying and self._clock.monotonic() >= until:
                for one in flying.values():
                    one.saw(Sight(unmet=f"no look at it was over in {LONGEST_LOOK:g} s"), until)
                raise self._late(timeout)
        return self._clock.monotonic()

    def _require_sound(self, failed: Callable[[], str | None]) -> None:
        """Ask the engine no more often than there are looks at one predicate."""
        now = self._clock.monotonic()
        if self._asked_at is not None and now < self._asked_at + self._pause(now):
            return
        self._asked_at = now
        if reason := failed():
            raise NotReady(f"readiness: {reason}", answers=self._answers())

    def _late(self, timeout: Seconds) -> CcCiError:
        unmet = [one for one in self._watched if one.sight.unmet]
        last = "; ".join(f"{one.predicate.name}: {one.sight.unmet}" for one in unmet)
        if unmet and all(one.sight.no_proxy for one in unmet):
            return InfrastructureError(f"proxy: not to be reached for {timeout:g} s; last: {last}")
        said = last or "it answered well, but too late to be confirmed"
        return NotReady(f"readiness: not there after {timeout:g} s; last: {said}", answers=self._answers())

    def _answers(self) -> tuple[Answer, ...]:
        return tuple(one.sight.answer for one in self._watched if one.sight.answer)


def _tell(told: Future[Any]) -> None:
    told.set_result(None)
