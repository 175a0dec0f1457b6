"""Wait for a stack to converge, or to be gone: woken by the engine's events."""

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping

import msgspec

from cc_ci.engine.api import Engine, EventStream
from cc_ci.engine.convergence import (
    BY_DESIGN,
    Converged,
    ConvergenceVerdict,
    Converging,
    Failed,
    deadline,
    judge,
)
from cc_ci.engine.history import EngineHistory, hear, see
from cc_ci.engine.labels import STACK
from cc_ci.engine.last_health import last_health, unhealthy
from cc_ci.engine.last_words import last_words
from cc_ci.engine.own_schedule import OwnSchedule
from cc_ci.engine.standings import Standings, standing
from cc_ci.engine.state import ServiceState, StackSnapshot
from cc_ci.engine.timelines import ServiceTimeline, timelines
from cc_ci.errors import CcCiError, InfrastructureError, StageFailed
from cc_ci.system.clock import Clock
from cc_ci.system.exit_codes import BY_ITSELF
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
        place: Callable[[str], str | None] = lambda _key: None,
        schedules: Mapping[str, OwnSchedule] | None = None,
        own_delays: Mapping[str, Seconds] | None = None,
        standings: Standings | None = None,
    ) -> None:
        self._engine = engine
        self._standings = standings
        self._last_words: dict[str, tuple[EpochSeconds, str | None]] = {}
        self._clock = clock
        self._expected = expected
        self._poll = poll
        self._place = place
        self._skew = engine.now() - clock.now()
        self._event_at = clock.monotonic()
        self.history = EngineHistory(
            stack=stack, since=since, ends=ends, schedules=schedules or {}, own_delays=own_delays or {}
        )

    def now(self) -> EpochSeconds:
        """The engine's clock, without asking it."""
        return EpochSeconds(self._clock.now() + self._skew)

    def look(self) -> tuple[StackSnapshot, ConvergenceVerdict]:
        snapshot = self._engine.stack(self.history.stack)
        self.history = see(self.history, snapshot)
        return snapshot, judge(snapshot, self.history, expected=self._expected, now=self.now())

    def wait(self, *, timeout: Seconds, stable_for: Seconds) -> Convergence:
        """Wait until the stack has converged, and each service has run for `stable_for` seconds.

        Each service is held for itself, from when its tasks were first seen to run, so that Swarm's own
        monitor of an update runs at the same time; it takes the place of `stable_for` where the service sets
        one. 0 holds nothing. All this is as in docker/cli, cli/command/service/progress/progress.go,
        ServiceProgress, which abra uses. Services are waited for at once, and in the end no update is under
        way. Raises StageFailed as soon as it can't converge, or at the deadline with what was last seen.
        """
        kinds = ("container", "service")
        with self._told(), self._engine.events(since=self.history.since, kinds=kinds) as events:
            seen_at: EpochSeconds | None = None
            up: dict[str, EpochSeconds] = {}
            while True:
                snapshot, verdict = self.look()
                now = self.now()
                self._raise(snapshot, verdict, now=now, timeout=timeout)
                self._say(snapshot, now)
                up = {name: up.get(name, now) for name in _up(snapshot, self.history)}
                if not isinstance(verdict, Converged):
                    seen_at = None
                    self._next_look(events)
                    continue
                seen_at = seen_at or now
                left = _left(snapshot, up, stable_for, now=now)
                if left <= 0:
                    return self._convergence(snapshot, verdict, seen_at)
                self._next_look(events, most=left)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """What is waited for is told while this wait lasts, and no longer."""
        try:
            yield
        finally:
            if self._standings:
                self._standings.say(self.history.stack, "")

    def _say(self, snapshot: StackSnapshot, now: EpochSeconds) -> None:
        """For whoever looks: the services that are not up yet, and when each is looked at next."""
        if self._standings is None:
            return
        lines = [
            self._standing(service, now)
            for service in snapshot.services
            if not self.history.rests(service, snapshot.tasks_of(service.name))
        ]
        self._standings.say(self.history.stack, "; ".join(lines))

    def _standing(self, service: ServiceState, now: EpochSeconds) -> str:
        marks = self.history.marks.get(service.name)
        refused = marks.refused if marks else None
        return standing(
            service.name,
            started=marks.started if marks else None,
            interval=service.health_check.interval if service.health_check else None,
            looked=refused,
            last=self._said_no(service.name, refused) if refused else None,
            now=now,
        )

    def _said_no(self, service: str, at: EpochSeconds) -> str | None:
        """What the check said when it last said no; the engine is asked once for each time."""
        known = self._last_words.get(service)
        if known is None or known[0] != at:
            said = last_health(self._engine, stack=self.history.stack, service=service)
            known = self._last_words[service] = (at, said)
        return known[1]

    def _raise(
        self, snapshot: StackSnapshot, verdict: ConvergenceVerdict, *, now: EpochSeconds, timeout: Seconds
    ) -> None:
        if isinstance(verdict, Failed):
            raise self.failure(verdict)
        if isinstance(verdict, Converging) and now >= deadline(snapshot, self.history, timeout=timeout):
            waited = now - self.history.since
            services = [(wait, wait.partition(":")[0]) for wait in verdict.waits_for]
            causes = [
                f"service {name}: {cause}; " for _, name in services if (cause := self._unhealthy(name))
            ]
            waits = (f"{wait}{self._words(service)}{self._health(service)}" for wait, service in services)
            raise StageFailed(f"{''.join(causes)}not up after {waited:.0f} s: {'; '.join(waits)}")

    def failure(self, verdict: Failed) -> CcCiError:
        """The error for it: its cause, with what the service itself and its health check said last."""
        service = verdict.service
        if cause := self._unhealthy(service):
            # it did not end by design, but by the check
            came_of_it = verdict.reason.replace(BY_DESIGN, "").replace(f" ({BY_ITSELF})", "")
            came_of_it += self._words(service)
            return msgspec.structs.replace(verdict, reason=f"{cause}; so: {came_of_it}").error()
        reason = f"{verdict.reason}{self._words(service)}{self._health(service)}"
        return msgspec.structs.replace(verdict, reason=reason).error()

    def _unhealthy(self, service: str) -> str | None:
        """What its health check said before Swarm ended it, and where the recipe has the check."""
        said = unhealthy(self._engine, stack=self.history.stack, service=service)
        if said is None:
            return None
        place = self._place(f"services.{service}.healthcheck.test")
        return f"unhealthy: {said}" + (f" ({place})" if place else "")

    def _words(self, service: str) -> str:
        said = last_words(self._engine, stack=self.history.stack, service=service)
        return f"; its last words: {said}" if said else ""

    def _health(self, service: str) -> str:
        if self._unhealthy(service):
            return ""
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


def _up(snapshot: StackSnapshot, history: EngineHistory) -> Iterator[str]:
    """The services whose tasks all run the present spec, though an update may still be watched over."""
    for service in snapshot.services:
        runs = service.running >= service.desired and service.outdated == 0
        if runs or history.rests(service, snapshot.tasks_of(service.name)):
            yield service.name


def _left(
    snapshot: StackSnapshot, up: Mapping[str, EpochSeconds], stable_for: Seconds, *, now: EpochSeconds
) -> Seconds:
    """How long the last of the services has still to be held."""
    holds = (_hold(one, stable_for) - (now - up.get(one.name, now)) for one in snapshot.services)
    return max(holds, default=0.0)


def _hold(service: ServiceState, stable_for: Seconds) -> Seconds:
    if stable_for <= 0 or service.mode.endswith("job"):
        return 0.0
    return service.monitor or stable_for


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
