"""How much of a run goes on at once: what the node has, held against what the apps take; pure."""

from collections.abc import Mapping

import msgspec

from cc_ci.engine.node import Node
from cc_ci.pipeline.known import MIB, Known, Load
from cc_ci.pipeline.plan import Taken
from cc_ci.suite.facts import Suite
from cc_ci.system.units import Bytes


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """What a node has for the apps of one run; None where it has told no limit."""

    memory_bytes: Bytes | None = None
    cpus: float | None = None
    proxies: bool = True
    """Each deployment may have a proxy of its own."""


def room_of(node: Node) -> Room:
    memory = node.apps.memory_bytes if node.apps else node.memory_bytes
    return Room(memory_bytes=memory, cpus=node.cpus, proxies=node.private)


BROWSER: Bytes = 1024 * MIB
"""What a browser with its tests takes (lab/budget.py)."""


def load_of(suite: Suite | None) -> Load:
    """What one app takes, as its suite says."""
    if suite is None:
        return Load()
    return Load(memory_bytes=suite.weight.memory_mib * MIB, cpus=suite.weight.cpus)


def chains_at_once(room: Room, known: Known, *, provided: bool) -> int:
    """How many of the recipe's apps fit into the node's memory together, one at least."""
    if room.memory_bytes is None:
        return 1
    beside = known.provider_load.memory_bytes if provided and known.provider_load else 0
    return max(1, (room.memory_bytes - beside) // known.load.memory_bytes)


def too_little(room: Room, known: Known, *, provided: bool) -> str:
    """Why apps don't fit side by side."""
    if room.memory_bytes is None:
        return "the node tells no limit of its memory"
    beside = known.provider_load if provided else None
    more = f", and {known.provider} {beside.memory_bytes // MIB} MiB" if beside else ""
    return (
        f"an app takes {known.load.memory_bytes // MIB} MiB{more}, as their suites say, and the node has "
        f"{room.memory_bytes // MIB} MiB for apps"
    )


def tokens(room: Room, known: Known, *, chains: int) -> Mapping[Taken, int]:
    """How many steps at once may take of each: as many boots and browsers as the node carries.

    A step that waits for nothing but an app's own signs takes nothing.
    """
    cpus = room.cpus or 1.0
    free = (room.memory_bytes or 0) - chains * known.load.memory_bytes
    boots, browsers = int(cpus / known.load.cpus), min(int(cpus), free // BROWSER)
    return {"boot": _between(boots, chains), "extraction": 1, "browser": _between(browsers, chains)}


def _between(count: int, most: int) -> int:
    return max(1, min(count, most))
