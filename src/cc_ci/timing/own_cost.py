"""What cc-ci itself costs: CPU seconds of this process and of its children, and its peak memory."""

import resource
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from cc_ci.system.process import Completed, Runner
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

    What a runner of `left_out` has run is not counted: restic, the suite and its browser. Only what was ended
    by force is, since nobody tells what that took.
    """

    def __init__(self, *, read: Callable[[], CpuTimes] = read_cpu, from_zero: bool = False) -> None:
        self._read = read
        self._start = CpuTimes(own=0.0, children=0.0) if from_zero else read()
        self._lock = threading.Lock()
        self._left_out = 0.0

    def left_out(self, runner: Runner) -> Runner:
        """A runner of programs that are no part of cc-ci."""
        return _LeftOut(runner, self._leave_out)

    def _leave_out(self, seconds: Seconds) -> None:
        with self._lock:
            self._left_out += seconds

    @property
    def cpu_seconds(self) -> Seconds:
        now = self._read()
        return now.own - self._start.own + now.children - self._start.children - self._left_out

    @property
    def peak_memory_bytes(self) -> Bytes:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MAXRSS_UNIT


class _LeftOut:
    def __init__(self, runner: Runner, leave_out: Callable[[Seconds], None]) -> None:
        self._runner = runner
        self._leave_out = leave_out

    def __call__(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: Seconds | None = None,
    ) -> Completed:
        completed = self._runner(argv, stdin=stdin, env=env, cwd=cwd, timeout=timeout)
        self._leave_out(completed.cpu_seconds)
        return completed
