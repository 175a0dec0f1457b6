"""What a service's start was made of, by the engine's own stamps."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from cc_ci.engine.history import EngineHistory
from cc_ci.engine.state import StackSnapshot
from cc_ci.system.units import EpochSeconds
from cc_ci.timing.actions import (
    BETWEEN_LOOKS,
    BOOT,
    BOOT_HEALTHY,
    CREATE_CONTAINER,
    FAILED_STARTS,
    FIRST_LOOK,
    OTHER_HEALTHY,
    PREPARE_TASK,
    REPORT,
    RESTART_DELAY,
    SAID_NO,
    SCHEDULE,
)


class BootPart(NamedTuple):
    """A part of a boot; `waits_for` is the service whose health check had to say yes."""

    action: str
    waits_for: str
    start: EpochSeconds
    end: EpochSeconds


class ServiceTimeline(msgspec.Struct, frozen=True, kw_only=True):
    """Engine stamps of a service's newest task; None where nothing told of one."""

    service: str
    asked: EpochSeconds | None = None
    """The service's creation or update."""
    ended_tries: int = 0
    """Tasks before the newest one: an app may end itself while what it needs is not there yet."""
    task_created: EpochSeconds | None = None
    created: EpochSeconds | None = None
    """Its container's creation."""
    started: EpochSeconds | None = None
    refused: EpochSeconds | None = None
    """When its health check last said no."""
    healthy: EpochSeconds | None = None
    times_looked: int = 0
    """How often its health check looked until it said yes."""
    running: EpochSeconds | None = None
    """When Swarm had it as running, which is when it counts as healthy."""

    def intervals(self) -> Iterator[tuple[str, EpochSeconds, EpochSeconds]]:
        """What each part was and its two stamps, in order; parts without both stamps are joined."""
        marks = (
            (FAILED_STARTS if self.ended_tries else SCHEDULE, self.task_created),
            (PREPARE_TASK, self.created),
            (RESTART_DELAY if self.ended_tries else CREATE_CONTAINER, self.started),
            (BOOT_HEALTHY if self.healthy else BOOT, self.healthy),
            (REPORT, self.running),
        )
        before = self.asked
        for action, stamp in marks:
            if stamp is None:
                continue
            if before is not None and stamp >= before:
                yield action, before, stamp
            before = stamp

    def looks(self, others: Iterable["ServiceTimeline"] = ()) -> Iterator[BootPart]:
        """What `BOOT_HEALTHY` was made of: until its health check last said no, and until it next looked.

        Some time in the second part the service became healthy; the rest of that part was waiting. What lies
        before the last of `others` was healthy is told apart: until then its name leads nowhere.
        """
        if self.started is None or self.healthy is None:
            return
        if self.refused is None:
            yield BootPart(FIRST_LOOK, self.service, self.started, self.healthy)
            return
        at = self.started
        if other := self._last_healthy(others, before=self.healthy):
            at = min(other[0], self.refused)
            yield BootPart(OTHER_HEALTHY, other[1], self.started, at)
        if at < self.refused:
            yield BootPart(SAID_NO, self.service, at, self.refused)
        yield BootPart(BETWEEN_LOOKS, self.service, self.refused, self.healthy)

    def _last_healthy(
        self, others: Iterable["ServiceTimeline"], *, before: EpochSeconds
    ) -> tuple[EpochSeconds, str] | None:
        """When the last other one was healthy that this boot may have waited for, and its name."""
        found = [(one.healthy, one.service) for one in others if one is not self and one.healthy is not None]
        return max((pair for pair in found if (self.started or 0.0) < pair[0] < before), default=None)


def timelines(snapshot: StackSnapshot, history: EngineHistory) -> tuple[ServiceTimeline, ...]:
    """Of the services that were started since; one that was not touched has no timeline."""
    return tuple(
        timeline
        for service in snapshot.services
        if (timeline := _timeline(service.name, snapshot, history)) is not None
    )


def _timeline(service: str, snapshot: StackSnapshot, history: EngineHistory) -> ServiceTimeline | None:
    marks = history.marks.get(service)
    task = next((task for task in snapshot.tasks_of(service) if task.current), None)
    state = snapshot.service(service)
    if task is None or task.created < history.since:
        return None
    return ServiceTimeline(
        service=service,
        asked=state.updated if state else None,
        ended_tries=sum(exit_.service == service and exit_.at <= task.created for exit_ in history.exits),
        task_created=task.created,
        created=marks.created if marks else None,
        started=marks.started if marks else None,
        refused=marks.refused if marks else None,
        healthy=marks.healthy if marks else None,
        times_looked=marks.refusals + bool(marks.healthy) if marks else 0,
        running=task.stamp if task.state == "running" else None,
    )
