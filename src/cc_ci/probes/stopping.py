"""Whether the services of a stack stop when they are told to, from the engine's own events.

Stopping a container emits `kill` with its stop signal, `kill` with 9 if it outlasts its grace period, then
`die` with the exit code. A container that is removed by force gets 9 at once: that says nothing of the app.
"""

import signal
from collections.abc import Callable, Iterable, Mapping

import msgspec

from cc_ci.results.schema import TestResult
from cc_ci.system.units import EpochSeconds, Seconds

SIGKILL = 9
SIGNALLED = 128
CRASHES = {134: "SIGABRT", 135: "SIGBUS", 136: "SIGFPE", 139: "SIGSEGV"}
DEFAULT_GRACE: Seconds = 10.0
REMEDY = "use `init: true`, a trap for the signal in the entrypoint, or a longer stop_grace_period"
"""A shell that is the first process of a container hears no signal for which it has no trap."""


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """How one container ended after its stack's removal began; `signals` in the order they were sent."""

    service: str
    exit_code: int
    signals: tuple[int, ...]
    asked_at: EpochSeconds | None
    died_at: EpochSeconds

    @property
    def forced(self) -> bool:
        """Killed without having been asked: by `docker rm -f`, or from outside."""
        return not self.signals or self.signals[0] == SIGKILL

    @property
    def seconds(self) -> Seconds:
        return 0.0 if self.asked_at is None else self.died_at - self.asked_at


class ContainerEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A `kill` or `die` of a service's container."""

    container: str
    service: str
    action: str
    at: EpochSeconds
    signal: int | None = None
    exit_code: int | None = None


def stops(events: Iterable[ContainerEvent]) -> tuple[Stop, ...]:
    """One Stop for each container that died."""
    killed: dict[str, list[ContainerEvent]] = {}
    ended = []
    for event in events:
        if event.action == "kill":
            killed.setdefault(event.container, []).append(event)
        elif event.action == "die":
            ended.append(_stop(event, killed.pop(event.container, [])))
    return tuple(ended)


def _stop(died: ContainerEvent, kills: list[ContainerEvent]) -> Stop:
    return Stop(
        service=died.service,
        exit_code=died.exit_code or 0,
        signals=tuple(kill.signal or 0 for kill in kills),
        asked_at=kills[0].at if kills else None,
        died_at=died.at,
    )


class Stopping(msgspec.Struct, frozen=True, kw_only=True):
    """What a service's stop is judged by; `place` is where its recipe says so, such as `compose.yml:12: `."""

    grace: Seconds = DEFAULT_GRACE
    keeps_data: bool = True
    """A volume of its own may hold half of what it was writing when it is killed."""
    place: str = ""


def stop_checks(
    stopped: Iterable[Stop],
    *,
    services: Mapping[str, Stopping],
    warn: Callable[[str], None],
) -> tuple[TestResult, ...]:
    """One check per service. A fault of one that keeps no data passes, and `warn` is told of it."""
    by_service: dict[str, list[Stop]] = {}
    for stop in stopped:
        by_service.setdefault(stop.service, []).append(stop)
    return tuple(
        _judge(name, by_service.get(name, []), service=service, warn=warn)
        for name, service in services.items()
    )


def _judge(name: str, stopped: list[Stop], *, service: Stopping, warn: Callable[[str], None]) -> TestResult:
    check = f"generic: graceful stop of {name}"
    asked = [stop for stop in stopped if not stop.forced]
    if not asked:
        reason = "it was removed by force" if stopped else "no container of it was seen to stop"
        return TestResult(id=check, outcome="unverified", reason=reason)
    faults = [fault for stop in asked if (fault := _fault(stop, service=service))]
    if faults and not service.keeps_data:
        warn(faults[0])
    return TestResult(
        id=check,
        outcome="failed" if faults and service.keeps_data else "passed",
        reason=faults[0] if faults else _remark(asked),
        seconds=max(stop.seconds for stop in asked),
        assertions=len(asked),
    )


def _fault(stop: Stop, *, service: Stopping) -> str | None:
    where = f"{service.place}services.{stop.service}"
    if SIGKILL in stop.signals:
        return (
            f"{where}.stop_grace_period: still there {service.grace:g} s after {_name(stop.signals[0])}, "
            f"so it was killed; {REMEDY}"
        )
    if stop.exit_code == SIGNALLED + SIGKILL:
        return f"{where}: killed while it stopped (exit 137): out of memory, or from outside"
    if stop.exit_code in CRASHES:
        return f"{where}: crashed while it stopped ({CRASHES[stop.exit_code]})"
    return None


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _remark(stopped: list[Stop]) -> str | None:
    """An exit code that is neither 0 nor that of the signal is worth a word, but many sound apps have one."""
    odd = [
        stop for stop in stopped if stop.exit_code not in (0, *(SIGNALLED + sent for sent in stop.signals))
    ]
    return f"stopped in {odd[0].seconds:.1f} s, with exit code {odd[0].exit_code}" if odd else None
