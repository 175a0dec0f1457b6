"""CPU that others used while something was measured: the machine's, less what is accounted for."""

import resource
from pathlib import Path

import msgspec

from cc_ci.errors import InfrastructureError
from cc_ci.system.units import Seconds
from cc_ci.timing.readings import CGROUPS, Reading, group_files, read_group


class CpuCounts(msgspec.Struct, frozen=True, kw_only=True):
    """CPU seconds since some instants of their own; `accounted` is the node's, the run's and ours."""

    machine: Seconds
    accounted: Seconds


class RunGroup:
    """The control group that a measured run has for itself; nothing is limited in it.

    The CPU of children that have ended is not enough: a sandbox is not waited for by who started it.
    """

    def __init__(self, path: str = "cc-ci-run", *, root: Path = CGROUPS) -> None:
        files = group_files(path, root=root)
        self._cpu = {"cpu_seconds": files["cpu_seconds"]}
        self._folder = files["cpu_seconds"].parent

    def create(self) -> None:
        try:
            self._folder.mkdir(exist_ok=True)
        except OSError as error:
            raise InfrastructureError(
                f"{self._folder}: {error.strerror}; to tell what is foreign needs root"
            ) from error

    def join_argv(self) -> tuple[str, ...]:
        """A prefix that puts a program into the group and then becomes it."""
        script = 'echo $$ > "$0" && exec "$@"'
        return ("sh", "-c", script, str(self._folder / "cgroup.procs"))

    def cpu_seconds(self) -> Seconds:
        return read_group(self._cpu).get("cpu_seconds", 0.0)


def count(reading: Reading, run: RunGroup) -> CpuCounts:
    """Take a node's reading apart and add the run's group and this process."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    node = reading.get("stack.cpu_seconds", 0.0) + reading.get("engine.cpu_seconds", 0.0)
    return CpuCounts(
        machine=reading["machine.cpu_seconds"],
        accounted=node + run.cpu_seconds() + own.ru_utime + own.ru_stime,
    )


def foreign_cpus(before: CpuCounts, after: CpuCounts, *, seconds: Seconds) -> float:
    """CPUs kept busy by others, on average; never below 0, since the counts are not of one instant."""
    others = (after.machine - before.machine) - (after.accounted - before.accounted)
    return round(max(0.0, others / seconds), 3)
