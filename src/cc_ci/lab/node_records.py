"""What is known of private nodes between two commands."""

from collections.abc import Iterator
from typing import Literal

import msgspec

from cc_ci.lab import proxy
from cc_ci.lab.addresses import Addresses
from cc_ci.lab.places import Places, places
from cc_ci.system.units import Bytes, Seconds

DEFAULT = "main"
BUILDER = "builder"
"""A node that only builds images: no proxy, no registry, and the real resolver for their names."""

SYSTEM = "system"
"""The engine that the machine has."""

ImagesFrom = Literal["standin", "hub"]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a node was asked to be; kept, so that a later `up` without flags means the same."""

    cpus: float | None = None
    memory_bytes: Bytes | None = None
    """None: a share of the machine's."""
    disk_bytes: Bytes | None = None
    """What the apps of one run may write; None: cc-ci's own limit."""
    bandwidth: str | None = None
    images: ImagesFrom = "standin"
    engine: str = SYSTEM
    """The name of a kept engine, or the machine's own."""
    ci_domain: str = "ci.test"
    refresh: Seconds = proxy.STOCK_REFRESH
    throttle: Seconds = proxy.STOCK_THROTTLE
    userns: bool = True
    """Root in a container is nobody on the machine."""
    new_privileges: bool = False
    """Programs in containers may have more rights than who calls them (setuid, file capabilities)."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a node between two commands."""

    name: str
    wanted: Wanted
    addresses: Addresses


def record_of(node: Places) -> Record | None:
    """What was written down of a node, None if nothing was."""
    try:
        return msgspec.json.decode(node.record.read_bytes(), type=Record)
    except (OSError, msgspec.MsgspecError):
        return None


def records() -> Iterator[Record]:
    """Of all nodes that there are, up or down."""
    root = places(DEFAULT).state.parent
    for path in sorted(root.glob("*/node.json")):
        if record := record_of(places(path.parent.name)):
            yield record


def all_nodes() -> tuple[str, ...]:
    return tuple(record.name for record in records())
