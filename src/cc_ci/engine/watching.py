"""Wait for a stack to converge, or to be gone: woken by the engine's events."""

from collections.abc import Callable, Collection

import msgspec

from cc_ci.engine.api import Engine, EventStream
from cc_ci.engine.convergence import Converged, Converging, Failed, Verdict, deadline, judge
from cc_ci.engine.history import History, hear, see
from cc_ci.engine.labels import STACK
from cc_ci.engine.last_health import last_health
from cc_ci.engine.state import StackSnapshot
from cc_ci.engine.timelines import ServiceTimeline, timelines
from cc_ci.errors import CcCiError, InfrastructureError, StageFailed
from cc_ci.system.clock import Clock
from cc_ci.system.units import EpochSeconds, Seconds

POLL: Seconds = 0.2
"""Swarm tells of no event when a task's state changes, so after each event two looks follow this far apart.

200 ms is the pace of docker's own waiter, too (docker/cli, cli/command/service/progress).
"""
IDLE: Seconds = 1.0
"""The fallback for what gives no event at all: a task that can't be placed or is rejected."""
HOT: Seconds = 3.0
"""After an event, the manager knows a task's new state within a status batch (100 ms)."""


class Convergence(msgspec.Struct, frozen=True, kw_only=True):
    """How a stack came up; stamps are on the engine's clock.

    `resolution` is the longest time between the condition and a look at it.
    """

    timelines: tuple[ServiceTimeline, ...]
    condition_true_at: EpochSeconds
    seen_at: EpochSeconds
    """When a look first showed it; what follows is the hold."""
    noticed_at: EpochSeconds
    """When it had held for long enough, and the wait ended."""
    resolution: Seconds


class Watch:
    """One wait for one stack; `history` goes on to be true after it."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        *,
        stack: str,
        expected: Collection[str],
        since: EpochSeconds,
        poll: Seconds = POLL,
        ends: frozenset[str] = frozenset(),
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._expected = expected
        self._poll = poll
        self._skew = engine.now() - clock.now()
        self._event_at = clock.monotonic()
        self.history = History(stack=stack, since=since, ends=ends)

    def now(self) -> EpochSeconds:
        """The engine's clock, without asking it."""
        return EpochSeconds(self._clock.now() + self._skew)

    def look(self) -> tuple[StackSnapshot, Verdict]:
        snapshot = self._engine.stack(self.history.stack)
        self.history = see(self.history, snapshot)
        return snapshot, judge(snapshot, self.history, expected=self._expected, now=self.now())

    def wait(self, *, timeout: Seconds, stable_for: Seconds) -> Convergence:
        """Wait until the stack has converged and stays so for `stable_for` seconds.

        A service's own update monitor takes the place of a shorter hold, as in docker's waiter; 0 holds
        nothing. Raises StageFailed as soon as it can't converge, or at the deadline with what was last seen.
        """
        kinds = ("container", "service")
        with self._engine.events(since=self.history.since, kinds=kinds) as events:
            seen_at: EpochSeconds | None = None
            while True:
                snapshot, verdict = self.look()
                now = self.now()
                self._raise(snapshot, verdict, now=now, timeout=timeout)
                if not isinstance(verdict, Converged):
                    seen_at = None
                    self._next_look(events)
                    continue
                seen_at = seen_at or now
                left = _hold(snapshot, stable_for) - (now - seen_at)
                if left <= 0:
                    return self._convergence(snapshot, verdict, seen_at)
                self._next_look(events, most=left)

    def _raise(
        self, snapshot: StackSnapshot, verdict: Verdict, *, now: EpochSeconds, timeout: Seconds
    ) -> None:
        stack = self.history.stack
        if isinstance(verdict, Failed):
            raise self.failure(verdict)
        if isinstance(verdict, Converging) and now >= deadline(snapshot, self.history, timeout=timeout):
            waited = now - self.history.since
            waits = (f"{wait}{self._health(wait.partition(':')[0])}" for wait in verdict.waits_for)
            raise StageFailed(f"stack {stack}: not up after {waited:.0f} s: {'; '.join(waits)}")

    def failure(self, verdict: Failed) -> CcCiError:
        """The error for it, with what the service's health check said last."""
        reason = f"{verdict.reason}{self._health(verdict.service)}"
        return msgspec.structs.replace(verdict, reason=reason).error(self.history.stack)

    def _health(self, service: str) -> str:
        said = last_health(self._engine, stack=self.history.stack, service=service)
        return f"; its health check said: {said}" if said else ""

    def _next_look(self, events: EventStream, *, most: Seconds = IDLE) -> None:
        """Take in what has happened; sleep until an event, and no longer than it pays to."""
        hot = self._clock.monotonic() - self._event_at < HOT
        due = self._clock.monotonic() + min(self._poll if hot else IDLE, most)
        while (left := due - self._clock.monotonic()) > 0:
            event = events.next(left)
            if event is None:
                return
            self.history = hear(self.history, event)
            mine = (event.stack or event.service or "").startswith(self.history.stack)
            # a look of a health check changes nothing by itself
            if mine and event.action != "exec_die":
                self._event_at = self._clock.monotonic()
                # no look sooner than this after the last, however many events there are
                due = min(due, self._event_at + self._poll)

    def _convergence(self, snapshot: StackSnapshot, verdict: Converged, seen_at: EpochSeconds) -> Convergence:
        return Convergence(
            timelines=timelines(snapshot, self.history),
            condition_true_at=verdict.at,
            seen_at=seen_at,
            noticed_at=self.now(),
            resolution=self._poll,
        )


def _hold(snapshot: StackSnapshot, stable_for: Seconds) -> Seconds:
    # docker/cli, service/progress: update_config.monitor where it is set, else 5 s
    monitors = [service.monitor for service in snapshot.services if service.monitor]
    return max(stable_for, *monitors, 0.0) if stable_for > 0 else 0.0


def wait_gone(engine: Engine, clock: Clock, events: EventStream, stack: str, *, timeout: Seconds) -> None:
    """Wait until nothing of a removed stack is left; `events` are those since before the removal."""
    looks: tuple[tuple[str, Callable[[], Collection[object]]], ...] = (
        ("services", lambda: engine.services({STACK: stack})),
        ("containers", lambda: engine.containers({STACK: stack})),
        ("networks", lambda: engine.networks({STACK: stack})),
    )
    until = clock.monotonic() + timeout
    while left := [what for what, look in looks if look()]:
        if clock.monotonic() >= until:
            named = " and ".join(left)
            raise InfrastructureError(f"stack {stack}: {named} still there {timeout:g} s after its removal")
        _await_end(clock, events, most=IDLE)


def _await_end(clock: Clock, events: EventStream, *, most: Seconds) -> None:
    due = clock.monotonic() + most
    while (left := due - clock.monotonic()) > 0:
        event = events.next(left)
        if event is None or event.action in ("destroy", "remove"):
            return
