"""Make a cgroup v1 kernel count bytes per group.

Linux 6.10 and newer count for a disk only once a limit was set on it; this sets one that never binds and
takes it away again. The counting goes on until the next boot, for all groups.
"""

import os
from pathlib import Path

from cc_ci.timing.readings import CGROUPS

LIMIT = "blkio/{}/blkio.throttle.write_bps_device"
UNREACHED = 10**12
"""Bytes per second; no disk is that fast."""
BLOCK_DEVICES = Path("/sys/dev/block")


def count_bytes(group: str, *, folder: Path, cgroups: Path = CGROUPS, devices: Path = BLOCK_DEVICES) -> bool:
    """Count bytes on the disk that holds `folder`; False where the kernel won't (v2 counts by itself).

    `group` is any group that exists, but the root.
    """
    limit = cgroups / LIMIT.format(group.strip("/"))
    try:
        disk = disk_of(folder.stat().st_dev, devices=devices)
        for speed in (UNREACHED, 0):
            # no O_CREAT: a group that is not there must stay so
            with limit.open("r+") as stream:
                stream.write(f"{disk} {speed}")
    except OSError:
        return False
    return True


def disk_of(device: int, *, devices: Path = BLOCK_DEVICES) -> str:
    """The whole disk, as MAJOR:MINOR, of a device that may be one of its partitions."""
    name = f"{os.major(device)}:{os.minor(device)}"
    if not (devices / name / "partition").exists():
        return name
    return ((devices / name).resolve().parent / "dev").read_text().strip()
