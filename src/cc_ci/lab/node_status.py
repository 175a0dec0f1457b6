"""What a private node is at one instant, for people and programs."""

import contextlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec

from cc_ci.engine.state import EngineFacts
from cc_ci.lab.budget import Budget
from cc_ci.lab.node_records import Record
from cc_ci.system.process import Runner
from cc_ci.system.units import Bytes


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """One node as it is now; `up` when its engine runs."""

    name: str
    up: bool
    record: Record
    processes: Mapping[str, int | None]
    """Pid of each daemon, None for one that is gone."""
    socket: Path
    engine: str | None
    """The engine's version, None while it does not run."""
    facts: EngineFacts | None
    """What else there is to tell of it."""
    ipvs: bool
    budget: Budget
    remapped: bool
    """Root in a container is nobody on the machine; of a node that is down, as it was asked for."""
    disk_bytes: Bytes


def disk_bytes(folder: Path) -> Bytes:
    """What a folder takes on the disk, as far as it can be read."""
    total = 0
    for root, _folders, files in os.walk(folder, onerror=lambda _error: None):
        for name in files:
            with contextlib.suppress(OSError):
                total += os.lstat(Path(root) / name).st_blocks * 512
    return total


def has_ipvs(runner: Runner) -> bool:
    """Whether this kernel has IPVS, without which a service's virtual address never answers."""
    if not Path("/proc/net/ip_vs").exists() and shutil.which("modprobe"):
        runner(["modprobe", "ip_vs"])
    return Path("/proc/net/ip_vs").exists()
