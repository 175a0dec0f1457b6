"""CPU that others used while something was measured: the machine's, less what is accounted for."""

import resource
from collections.abc import Callable

import msgspec

from cc_ci.system.units import Seconds
from cc_ci.timing.readings import Reading


class CpuCounts(msgspec.Struct, frozen=True, kw_only=True):
    """CPU seconds since some instants of their own; `accounted` is the node's, ours and our children's."""

    machine: Seconds
    accounted: Seconds


def count(reading: Reading) -> CpuCounts:
    """Take a node's reading apart and add this process with its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    ours = sum(one.ru_utime + one.ru_stime for one in used)
    node = reading.get("stack.cpu_seconds", 0.0) + reading.get("engine.cpu_seconds", 0.0)
    return CpuCounts(machine=reading["machine.cpu_seconds"], accounted=node + ours)


def foreign_cpus(before: CpuCounts, after: CpuCounts, *, seconds: Seconds) -> float:
    """CPUs kept busy by others, on average; never below 0, since the counts are not of one instant."""
    others = (after.machine - before.machine) - (after.accounted - before.accounted)
    return round(max(0.0, others / seconds), 3)


Meter = Callable[[], CpuCounts]
