"""The clock as a seam: durations come from `monotonic`, stamps for people from `now`."""

import threading
import time
from typing import Protocol

from cc_ci.system import stopping
from cc_ci.system.units import EpochSeconds, Seconds


class Clock(Protocol):
    def monotonic(self) -> Seconds: ...
    def now(self) -> EpochSeconds: ...
    def sleep(self, seconds: Seconds) -> None:
        """Sleep; raises Stopped as soon as the thread's stop token is told to stop."""
        ...


class SystemClock:
    """Safe to share between threads: it keeps nothing, and each thread sleeps under its own stop token."""

    def monotonic(self) -> Seconds:
        return time.monotonic()

    def now(self) -> EpochSeconds:
        return EpochSeconds(time.time())

    def sleep(self, seconds: Seconds) -> None:
        stopping.current().sleep(seconds)


class ManualClock:
    """A clock for tests: time moves when told, and when somebody sleeps.

    Safe to share between threads: what each adds is added under a lock.
    """

    def __init__(self, *, start: Seconds = 0.0, epoch: float = 1_700_000_000.0) -> None:
        self._lock = threading.Lock()
        self._elapsed = 0.0
        self._start = start
        self._epoch = epoch
        self.slept: list[Seconds] = []

    def monotonic(self) -> Seconds:
        return self._start + self._elapsed

    def now(self) -> EpochSeconds:
        return EpochSeconds(self._epoch + self._elapsed)

    def sleep(self, seconds: Seconds) -> None:
        stopping.current().check()
        self.slept.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: Seconds) -> None:
        with self._lock:
            self._elapsed += seconds
