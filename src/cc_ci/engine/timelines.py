"""What a service's start was made of, by the engine's own stamps."""

from collections.abc import Iterator

import msgspec

from cc_ci.engine.history import History
from cc_ci.engine.state import StackSnapshot
from cc_ci.system.units import EpochSeconds

BOOT = "boot until healthy"
TRIES = "tries that ended"
"""Of a service that ended itself, for lack of what it needs, before the task that stayed."""
DELAY = "wait out the restart's delay"
"""Swarm makes the container of a task that follows an ended one at once, and starts it later."""


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
    running: EpochSeconds | None = None
    """When Swarm had it as running, which is when it counts as healthy."""

    def intervals(self) -> Iterator[tuple[str, EpochSeconds, EpochSeconds]]:
        """What each part was and its two stamps, in order; parts without both stamps are joined."""
        marks = (
            (TRIES if self.ended_tries else "schedule", self.task_created),
            ("prepare", self.created),
            (DELAY if self.ended_tries else "create container", self.started),
            (BOOT if self.healthy else "boot", self.healthy),
            ("report to the manager", self.running),
        )
        before = self.asked
        for name, stamp in marks:
            if stamp is None:
                continue
            if before is not None and stamp >= before:
                yield name, before, stamp
            before = stamp

    def looks(self) -> Iterator[tuple[str, EpochSeconds, EpochSeconds]]:
        """What `BOOT` was made of: until its health check last said no, and until it next looked.

        Some time in the second part the service became healthy; the rest of that part was waiting.
        """
        if self.started is None or self.healthy is None:
            return
        if self.refused is None:
            yield "before its health check's first look", self.started, self.healthy
            return
        yield "until its health check last said no", self.started, self.refused
        yield "between two looks of its health check", self.refused, self.healthy


def timelines(snapshot: StackSnapshot, history: History) -> tuple[ServiceTimeline, ...]:
    """Of the services that were started since; one that was not touched has no timeline."""
    return tuple(
        timeline
        for service in snapshot.services
        if (timeline := _timeline(service.name, snapshot, history)) is not None
    )


def _timeline(service: str, snapshot: StackSnapshot, history: History) -> ServiceTimeline | None:
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
        running=task.stamp if task.state == "running" else None,
    )
