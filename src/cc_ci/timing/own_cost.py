"""What cc-ci itself costs: CPU seconds of this process and of its children, and its peak memory."""

import contextlib
import resource
import threading
from collections.abc import Callable, Iterator

import msgspec

from cc_ci.system.units import Bytes, Seconds

MAXRSS_UNIT = 1024
"""Of ru_maxrss on Linux, see getrusage(2)."""


class CpuTimes(msgspec.Struct, frozen=True, kw_only=True):
    """CPU seconds of this process, and of its children that have ended."""

    own: Seconds
    children: Seconds


def read_cpu() -> CpuTimes:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return CpuTimes(own=own.ru_utime + own.ru_stime, children=children.ru_utime + children.ru_stime)


class OwnCost:
    """The cost since it was made, or since the process began if `from_zero`.

    Children of a part that is `excluded` are not counted: restic, the browser, the suite. Other children that
    end meanwhile are not told apart from them, so that parts side by side make the cost a lower bound.
    """

    def __init__(self, *, read: Callable[[], CpuTimes] = read_cpu, from_zero: bool = False) -> None:
        self._read = read
        self._start = CpuTimes(own=0.0, children=0.0) if from_zero else read()
        self._lock = threading.Lock()
        self._open = 0
        self._since = 0.0
        self._excluded = 0.0

    @contextlib.contextmanager
    def excluded(self) -> Iterator[None]:
        """Leave out children that end inside the block; blocks that overlap count once."""
        with self._lock:
            self._open += 1
            if self._open == 1:
                self._since = self._read().children
        try:
            yield
        finally:
            with self._lock:
                self._open -= 1
                if self._open == 0:
                    self._excluded += self._read().children - self._since

    @property
    def cpu_seconds(self) -> Seconds:
        now = self._read()
        return now.own - self._start.own + now.children - self._start.children - self._excluded

    @property
    def peak_memory_bytes(self) -> Bytes:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MAXRSS_UNIT
