"""CPU that others used while something was measured: the machine's, less what is accounted for."""

import resource
from pathlib import Path

import msgspec

from cc_ci.errors import InfrastructureError
from cc_ci.system.units import Seconds
from cc_ci.timing.readings import CGROUPS, CounterReading, group_files, read_group

PROCESSES = "cgroup.procs"


class CpuCounts(msgspec.Struct, frozen=True, kw_only=True):
    """CPU seconds since some instants of their own; `accounted` is the node's, the run's and ours."""

    machine: Seconds
    accounted: Seconds


class RunGroup:
    """The control group that a measured run has for itself; nothing is limited in it.

    The CPU of children that have ended is not enough: a sandbox is not waited for by who started it.
    The machine is counted by its outermost group, too: /proc/stat goes by ticks and misses a tenth.
    """

    def __init__(self, path: str = "cc-ci-run", *, root: Path = CGROUPS) -> None:
        self._file, self._outermost = (group_files(one, root=root)["cpu_seconds"] for one in (path, ""))
        self._folder = self._file.parent

    def create(self) -> None:
        try:
            self._folder.mkdir(exist_ok=True)
        except OSError as error:
            raise InfrastructureError(
                f"{self._folder}: {error.strerror}; to tell what is foreign needs root"
            ) from error

    def require_empty(self) -> None:
        """Raise InfrastructureError for what a measurement that was killed left: it would count as ours."""
        if left := " ".join((self._folder / PROCESSES).read_text().split()):
            raise InfrastructureError(
                f"{self._folder}: processes {left} are left of a measurement that was killed; end them first"
            )

    def join_argv(self) -> tuple[str, ...]:
        """A prefix that puts a program into the group and then becomes it."""
        script = 'echo $$ > "$0" && exec "$@"'
        return ("sh", "-c", script, str(self._folder / PROCESSES))

    def cpu_seconds(self) -> Seconds:
        return _seconds(self._file)

    def machine_seconds(self) -> Seconds:
        return _seconds(self._outermost)


def _seconds(file: Path) -> Seconds:
    return read_group({"cpu_seconds": file}).get("cpu_seconds", 0.0)


def count(reading: CounterReading, run: RunGroup) -> CpuCounts:
    """Of the machine, and of a node's reading, the run's group and this process together."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    # suites and what copies volumes have groups of the node, and so are not in the run's
    node = sum(reading.get(f"{part}.cpu_seconds", 0.0) for part in ("stack", "engine", "suite"))
    return CpuCounts(
        machine=run.machine_seconds(),
        accounted=node + run.cpu_seconds() + own.ru_utime + own.ru_stime,
    )


def foreign_cpus(before: CpuCounts, after: CpuCounts, *, seconds: Seconds) -> float:
    """CPUs kept busy by others, on average; never below 0, since the counts are not of one instant."""
    others = (after.machine - before.machine) - (after.accounted - before.accounted)
    return round(max(0.0, others / seconds), 3)
