"""What has happened to a stack since it was deployed: a pure fold over events and snapshots."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from cc_ci.engine.own_schedule import OwnSchedule
from cc_ci.engine.state import EngineEvent, ServiceState, StackSnapshot, TaskState
from cc_ci.system.units import EpochSeconds, Seconds

UNHEALTHY = "unhealthy"


class Exit(msgspec.Struct, frozen=True, kw_only=True):
    """A container that ended though nobody told it to, or a task that could not start."""

    key: str
    service: str
    at: EpochSeconds
    code: int | None
    excused: bool
    """Another service of the stack was not ready yet, and had not failed itself."""
    reason: str = ""


class Marks(msgspec.Struct, frozen=True, kw_only=True):
    """Stamps of one service's newest container."""

    container: str
    created: EpochSeconds | None = None
    started: EpochSeconds | None = None
    refused: EpochSeconds | None = None
    """When its health check last said no, before it was healthy."""
    first_refused: EpochSeconds | None = None
    refusals: int = 0
    """How often it did."""
    healthy: EpochSeconds | None = None


class EngineHistory(msgspec.Struct, frozen=True, kw_only=True):
    """Everything since `since`; folded by `hear` (events) and `see` (snapshots)."""

    stack: str
    since: EpochSeconds
    exits: tuple[Exit, ...] = ()
    told_to_stop: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    ready: frozenset[str] = frozenset()
    marks: Mapping[str, Marks] = {}
    first_start: Mapping[str, EpochSeconds] = {}
    ends: frozenset[str] = frozenset()
    """Services that end by design, with code 0."""
    schedules: Mapping[str, OwnSchedule] = {}
    """Of the services whose start_period is the overlay's."""
    own_delays: Mapping[str, Seconds] = {}
    """Of the services that are started again sooner than by their recipe: its own delay."""

    def exits_of(self, service: str) -> tuple[Exit, ...]:
        """Those that count."""
        by_design = service in self.ends
        return tuple(
            exit_
            for exit_ in self.exits
            if exit_.service == service and not exit_.excused and not (by_design and exit_.code == 0)
        )

    def rests(self, service: ServiceState, tasks: Iterable[TaskState]) -> bool:
        """Whether a service is as it is to be: settled, or one that ends by design and has ended well."""
        ended = any(task.current and task.state == "complete" for task in tasks)
        return settled(service) or (service.name in self.ends and ended and not moving(service))


def settled(service: ServiceState) -> bool:
    """All replicas run the present spec, no task of an older one is left, no update is under way."""
    return service.running >= service.desired and service.outdated == 0 and not moving(service)


def moving(service: ServiceState) -> bool:
    return service.update is not None and service.update.state in ("updating", "rollback_started")


def see(history: EngineHistory, snapshot: StackSnapshot) -> EngineHistory:
    """Take in a snapshot: who is ready, and which tasks failed without an event."""
    history = msgspec.structs.replace(
        history,
        names=frozenset(service.name for service in snapshot.services),
        ready=frozenset(
            service.name
            for service in snapshot.services
            if history.rests(service, snapshot.tasks_of(service.name))
        ),
    )
    return _with_exits(history, _failures(history, snapshot))


def hear(history: EngineHistory, event: EngineEvent) -> EngineHistory:
    """Take in an event of one of the stack's containers; others change nothing."""
    if event.kind != "container" or event.stack != history.stack or event.at < history.since:
        return history
    service = (event.service or "").removeprefix(f"{history.stack}_")
    if event.action == "kill":
        stopped = history.told_to_stop | {event.id}
        return msgspec.structs.replace(history, told_to_stop=stopped)
    if event.action == "die" and event.id not in history.told_to_stop:
        ended = _exit(history, service, key=event.id, at=event.at, code=event.exit_code)
        return _with_exits(history, [ended])
    return _marked(history, service, event)


def _refusal(event: EngineEvent) -> bool:
    """Whether a health check said no: while a stack converges nothing else is run inside its containers."""
    return event.action == "exec_die" and event.exit_code != 0


def _marked(history: EngineHistory, service: str, event: EngineEvent) -> EngineHistory:
    stamp = {"create": "created", "start": "started"}.get(event.action)
    if event.action == "health_status" and event.detail == "healthy":
        stamp = "healthy"
    before = history.marks.get(service)
    if _refusal(event) and not (before and before.healthy):
        stamp = "refused"
    if stamp is None:
        return history
    same = before if before and before.container == event.id else Marks(container=event.id)
    found = msgspec.structs.replace(same, **{stamp: event.at})
    if stamp == "refused":
        first = same.first_refused or event.at
        found = msgspec.structs.replace(found, first_refused=first, refusals=same.refusals + 1)
    marks = {**history.marks, service: found}
    starts = history.first_start
    if stamp == "started":
        starts = {service: event.at, **starts}
    return msgspec.structs.replace(history, marks=marks, first_start=starts)


def _failures(history: EngineHistory, snapshot: StackSnapshot) -> Iterator[Exit]:
    modes = {service.name: service.mode for service in snapshot.services}
    for task in snapshot.tasks:
        if task.stamp >= history.since and _failed(task, job=modes[task.service].endswith("job")):
            yield _exit(
                history,
                task.service,
                key=task.container or task.id,
                at=task.stamp,
                code=task.exit_code,
                reason=task.error,
            )


def _failed(task: TaskState, *, job: bool) -> bool:
    return task.state in ("failed", "rejected") or (task.state == "complete" and not job)


def _exit(  # an app may well end itself while what it needs is not there yet
    history: EngineHistory, service: str, *, key: str, at: EpochSeconds, code: int | None, reason: str = ""
) -> Exit:
    failing = {exit_.service for exit_ in history.exits}
    awaited = history.names - history.ready - failing - {service}
    return Exit(key=key, service=service, at=at, code=code, excused=bool(awaited), reason=reason)


def _with_exits(history: EngineHistory, exits: Iterable[Exit]) -> EngineHistory:
    """Add those not known yet; a reason that comes later is filled in."""
    known = {exit_.key: exit_ for exit_ in history.exits}
    for exit_ in exits:
        before = known.get(exit_.key)
        known[exit_.key] = (
            exit_ if before is None else msgspec.structs.replace(before, reason=before.reason or exit_.reason)
        )
    return msgspec.structs.replace(history, exits=tuple(known.values()))
