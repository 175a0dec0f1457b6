"""Whether a stack has converged, still may, or never will: a pure judge of snapshot, history and time."""

import re
from collections.abc import Collection, Iterator

import msgspec

from cc_ci.engine.history import UNHEALTHY, EngineHistory, Exit, settled
from cc_ci.engine.outlasting import outlasted
from cc_ci.engine.state import LAST_STATES, ServiceState, StackSnapshot, TaskState
from cc_ci.errors import CcCiError, InfrastructureError, StageFailed
from cc_ci.system.exit_codes import with_meaning
from cc_ci.system.units import EpochSeconds, Seconds

CRASHES = 3
"""So many exits of a service, each after nothing it could wait for was missing, are a crash loop."""

NO_NODE_GRACE: Seconds = 10.0
"""A port or memory that a stack under removal still holds is free within its stop_grace_period, 10 s."""

NOT_RESTARTED: Seconds = 2.0
"""Swarm makes the next task as it ends the last one (status batches take 100 ms): later, it won't."""

BY_DESIGN = "; if this is by design, name it under `ends` in suite.toml"
FAILED_UPDATES = ("paused", "rollback_paused", "rollback_completed")
NO_NODE = "no suitable node"
HOPELESS = ("no such image", "invalid mount config", "executable file not found", "bind source path")
"""Reasons of rejected or failed tasks that a retry can't mend."""


class Converging(msgspec.Struct, frozen=True, kw_only=True):
    """`waits_for` says of each service what is missing."""

    waits_for: tuple[str, ...]


class Converged(msgspec.Struct, frozen=True, kw_only=True):
    """`at`: since when, by the engine's stamps."""

    at: EpochSeconds


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """`ours`: somebody else on the node has what the service needs, and no recipe can know that."""

    service: str
    reason: str
    ours: bool = False

    def error(self) -> CcCiError:
        said = f"service {self.service}: {self.reason}"
        return InfrastructureError(said) if self.ours else StageFailed(said)


TAKEN_PORT = re.compile(
    r"listen \S+ \S+:(\d+): bind: address already in use|:(\d+) failed: port is already allocated"
    r"|failed to bind host port (?:for )?(?:\[\S*?\]|[\d.]*):(\d+)[:/].*address already in use"
)
"""As engines up to 27 say it, all of them, and those from 28 on."""

EXIT = re.compile(r"task: non-zero exit \((\d{1,3})\)")
"""How Swarm says that a task's program ended badly."""

PORT_TAKEN = ("is taken on the node", "port already in use")
"""How it is said that somebody else has a port: by `_plain`, and by Swarm, which then places no task."""

ConvergenceVerdict = Converging | Converged | Failed


def judge(
    snapshot: StackSnapshot, history: EngineHistory, *, expected: Collection[str], now: EpochSeconds
) -> ConvergenceVerdict:
    """Judge a stack that is to have the services `expected`; `history` has seen the snapshot already."""
    for service in snapshot.services:
        if reason := failure(service, snapshot.tasks_of(service.name), history, now=now):
            others = _not_ready_either(service, snapshot, history)
            # a service whose own tasks have the port stands in its own way
            alone = service.running == 0 and service.outdated == 0
            ours = alone and any(taken in reason for taken in PORT_TAKEN)
            return Failed(service=service.name, reason=f"{reason}{others}", ours=ours)
    waits = tuple(_waits(snapshot, history, expected))
    return Converging(waits_for=waits) if waits else Converged(at=_true_at(snapshot, history))


def _not_ready_either(failed: ServiceState, snapshot: StackSnapshot, history: EngineHistory) -> str:
    """The service that ends is not always the cause: it may need one of these."""
    others = [
        service.name
        for service in snapshot.services
        if service is not failed and not history.rests(service, snapshot.tasks_of(service.name))
    ]
    return f"; not ready either: {', '.join(others)}" if others else ""


def deadline(snapshot: StackSnapshot, history: EngineHistory, *, timeout: Seconds) -> EpochSeconds:
    """When to give up: never before each health check has had its start_period and all its retries."""
    ends = [history.since + timeout]
    for service in snapshot.services:
        started = history.first_start.get(service.name)
        if started and service.health_check and not settled(service):
            ends.append(started + service.health_check.patience)
    return EpochSeconds(max(ends))


def failure(
    service: ServiceState, tasks: tuple[TaskState, ...], history: EngineHistory, *, now: EpochSeconds
) -> str | None:
    """Why a service can't converge any more, or None."""
    mine = tuple(task for task in tasks if task.current)
    return (
        _failed_update(service, tasks)
        or _hopeless(mine, history)
        or _no_node(mine, now)
        or _crash_loop(history.exits_of(service.name), own_delay=history.own_delays.get(service.name, 0.0))
        or _given_up(service, mine, now, by_design=service.name in history.ends)
        or outlasted(service.name, history, now=now)
    )


def _failed_update(service: ServiceState, tasks: tuple[TaskState, ...]) -> str | None:
    update = service.update
    if update is None or update.state not in FAILED_UPDATES:
        return None
    cause = next((f"; {task.error}" for task in tasks if task.error), "")
    return f"update {update.state.replace('_', ' ')}: {update.message or 'no reason given'}{cause}"


def _hopeless(tasks: tuple[TaskState, ...], history: EngineHistory) -> str | None:
    for task in tasks:
        hopeless = any(word in task.error.lower() for word in HOPELESS)
        if hopeless and task.state in ("rejected", "failed") and task.stamp >= history.since:
            return f"task {task.state}: {task.error}"
    return None


def _no_node(tasks: tuple[TaskState, ...], now: EpochSeconds) -> str | None:
    for task in tasks:
        said = task.error if NO_NODE in task.error else task.message
        if task.state == "pending" and NO_NODE in said and now - task.created >= NO_NODE_GRACE:
            return f"can't be placed: {said}"
    return None


def _crash_loop(exits: tuple[Exit, ...], *, own_delay: Seconds) -> str | None:
    """With a delay that is shorter than the recipe's own, exits may come so soon that nothing has changed."""
    if len(exits) < CRASHES or exits[-1].at - exits[0].at < own_delay * (CRASHES - 1):
        return None
    last = exits[-1]
    how = _plain(last.reason) or (with_meaning(last.code) if last.code is not None else "no exit code")
    first = "; at first its own health check killed it" if _killed_first(exits) else ""
    design = BY_DESIGN if all(exit_.code == 0 for exit_ in exits) else ""
    return f"ended {len(exits)} times in {last.at - exits[0].at:.0f} s, last: {how}{first}{design}"


def _plain(reason: str) -> str:
    """Docker tells of a taken port in a long chain of who told whom, and of an exit code by its number."""
    if taken := TAKEN_PORT.search(reason):
        return f"port {taken[taken.lastindex or 0]} {PORT_TAKEN[0]}"
    return EXIT.sub(lambda code: with_meaning(int(code[1])), reason)


def _killed_first(exits: tuple[Exit, ...]) -> bool:
    # a data folder that was left half made fails every later start, so the first end is the cause
    return UNHEALTHY in exits[0].reason and UNHEALTHY not in exits[-1].reason


def _given_up(
    service: ServiceState, tasks: tuple[TaskState, ...], now: EpochSeconds, *, by_design: bool
) -> str | None:
    """Swarm does not start it again: its restart policy does not ask for it, or its attempts are used up."""
    if service.mode.endswith("job") or service.desired == 0 or not tasks:
        return None
    if any(task.state not in LAST_STATES for task in tasks):
        return None
    last = tasks[0]
    if last.state not in ("complete", "failed") or now - last.stamp < NOT_RESTARTED:
        return None
    if last.state == "complete" and by_design:
        return None
    code = "" if last.exit_code is None else f" with {with_meaning(last.exit_code)}"
    design = BY_DESIGN if last.state == "complete" else ""
    return f"ended{code}, and its restart policy ({service.restart}) does not start it again{design}"


def _waits(snapshot: StackSnapshot, history: EngineHistory, expected: Collection[str]) -> Iterator[str]:
    known = {service.name for service in snapshot.services}
    yield from (f"{name}: not created yet" for name in sorted(set(expected) - known))
    for service in snapshot.services:
        tasks = snapshot.tasks_of(service.name)
        if not history.rests(service, tasks):
            yield f"{service.name}: {_stand(service, tasks)}"


def _stand(service: ServiceState, tasks: tuple[TaskState, ...]) -> str:
    update = f", update {service.update.state}" if service.update else ""
    last = f", newest task {tasks[0].state}" if tasks else ", no task yet"
    why = f" ({tasks[0].error})" if tasks and tasks[0].error else ""
    return f"{service.running}/{service.desired} running{update}{last}{why}"


def _true_at(snapshot: StackSnapshot, history: EngineHistory) -> EpochSeconds:
    ran = (task.stamp for task in snapshot.tasks if task.current and task.state in ("running", "complete"))
    updates = (service.update for service in snapshot.services)
    completed = (update.completed for update in updates if update and update.completed)
    return EpochSeconds(max(history.since, *ran, *completed, history.since))
