"""What a node, and each of its parts, may have: as it was asked for, else a share of the machine."""

import msgspec

from cc_ci.engine.node import AppLimits
from cc_ci.lab.cgroups import GroupPart, Limits, Share
from cc_ci.lab.node_records import Wanted
from cc_ci.system.units import Bytes

GIB = 1 << 30
OF_THE_MACHINE = 0.75
"""Its memory, for a node that was told nothing: the rest is what the machine itself works with."""
LEAST_RESERVE, MOST_RESERVE = 128 << 20, 512 << 20
"""Of memory for the node's daemons, which take some 150 MB: an eighth of the node's, between these two."""
SUITES = 0.5
"""Of the node's memory: a browser with its tests takes about 1 GB."""
PROCESSES, PROCESSES_EACH = 16384, 4096
"""Of all apps, and of one container: no app of a recipe that is known comes near, and a machine stands it."""
SUITE_PROCESSES = 4096
"""A browser's threads count, too."""
DISK = 20 * GIB
"""What apps of one run may write, in volumes and containers together."""


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """`told` are the limits that were asked for; the others are cc-ci's own."""

    limits: Limits
    apps: AppLimits
    told: frozenset[str]

    @property
    def memory_bytes(self) -> Bytes:
        return self.limits.memory_bytes or 0


def budget(wants: Wanted, *, machine_memory: Bytes) -> Budget:
    """The limits of a node on a machine with that much memory."""
    memory = wants.memory_bytes or int(machine_memory * OF_THE_MACHINE)
    reserve = min(MOST_RESERVE, max(LEAST_RESERVE, memory // 8))
    stack = max(memory - reserve, memory // 2)
    parts: dict[GroupPart, Share] = {
        "engine": Share(reserved_bytes=reserve),
        "stack": Share(memory_bytes=stack, processes=PROCESSES),
        "suite": Share(memory_bytes=int(memory * SUITES), processes=SUITE_PROCESSES),
    }
    return Budget(
        limits=Limits(cpus=wants.cpus, memory_bytes=memory, parts=parts),
        apps=AppLimits(
            memory_bytes=stack,
            processes=PROCESSES,
            processes_each=PROCESSES_EACH,
            disk_bytes=wants.disk_bytes or DISK,
        ),
        told=frozenset(name for name in ("memory", "disk") if getattr(wants, f"{name}_bytes") is not None),
    )
