"""The clock as a seam: durations come from `monotonic`, stamps for people from `now`."""

import time
from typing import Protocol

from cc_ci.system.units import EpochSeconds, Seconds


class Clock(Protocol):
    def monotonic(self) -> Seconds: ...
    def now(self) -> EpochSeconds: ...
    def sleep(self, seconds: Seconds) -> None: ...


class SystemClock:
    def monotonic(self) -> Seconds:
        return time.monotonic()

    def now(self) -> EpochSeconds:
        return EpochSeconds(time.time())

    def sleep(self, seconds: Seconds) -> None:
        time.sleep(seconds)


class ManualClock:
    """A clock for tests: time moves when told, and when somebody sleeps."""

    def __init__(self, *, start: Seconds = 0.0, epoch: float = 1_700_000_000.0) -> None:
        self._elapsed = 0.0
        self._start = start
        self._epoch = epoch
        self.slept: list[Seconds] = []

    def monotonic(self) -> Seconds:
        return self._start + self._elapsed

    def now(self) -> EpochSeconds:
        return EpochSeconds(self._epoch + self._elapsed)

    def sleep(self, seconds: Seconds) -> None:
        self.slept.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: Seconds) -> None:
        self._elapsed += seconds
