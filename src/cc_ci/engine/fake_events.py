"""The facts and the events of an engine in memory."""

from collections.abc import Callable, Iterator
from typing import Self

from cc_ci.engine.state import EngineEvent, EngineFacts
from cc_ci.system import stopping
from cc_ci.system.clock import ManualClock
from cc_ci.system.units import Seconds

FACTS = EngineFacts(
    version="20.10.24",
    api="1.41",
    kernel="6.1.0",
    operating_system="Debian GNU/Linux 12 (bookworm)",
    containerd="1.6.20",
    runc="1.1.5",
    image_store="overlay2",
    cgroup_version="1",
    cpus=2,
    memory_bytes=6 << 30,
    swarm=True,
)


class FakeEvents:
    """Events that come as the clock reaches them, also those that happen later; waiting moves the clock."""

    def __init__(self, clock: ManualClock, told: Callable[[], Iterator[EngineEvent]]) -> None:
        self._clock = clock
        self._told = told
        self._given: list[EngineEvent] = []
        self.closed = False

    def next(self, timeout: Seconds) -> EngineEvent | None:
        stopping.current().check()
        until = self._clock.now() + timeout
        event = next((one for one in self._told() if not any(one is given for given in self._given)), None)
        if event is not None and event.at <= until:
            self._given.append(event)
            self._clock.advance(max(0.0, event.at - self._clock.now()))
            return event
        self._clock.advance(timeout)
        return None

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
