"""What is there before a backup: the paths that labels name, how much they hold, how much room there is."""

from collections.abc import Sequence

import msgspec

from cc_ci.backups.places import REPOSITORY, volume_content
from cc_ci.backups.reach import Reach
from cc_ci.errors import InfrastructureError
from cc_ci.system.process import check_whole
from cc_ci.system.units import Bytes, Seconds

LOOK = (
    'stat -c "there %n" "$@" 2>/dev/null; du -sk "$@" 2>/dev/null | while read -r used _; do '
    f'echo "used $used"; done; stat -f -c "free %a %S" {REPOSITORY}'
)
"""Links are looked at, not followed, by all three."""
ROOM = 'stat -f -c "free %a %S" "$1"'
TIMEOUT: Seconds = 300.0


class SpaceLook(msgspec.Struct, frozen=True, kw_only=True):
    """`used` is what the paths take on disk, `free` what is left where the repository is."""

    there: frozenset[str]
    used: Bytes
    free: Bytes


def look(reach: Reach, paths: Sequence[str], *, volumes: Sequence[str]) -> SpaceLook:
    """Look at absolute `paths`."""
    argv = ("sh", "-c", LOOK, "sh", *paths)
    completed = reach(argv, volumes=volumes, access="reads", timeout=TIMEOUT, repository=True)
    lines = check_whole(completed, what="look at the volumes").stdout.splitlines()
    used = sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("used "))
    there = frozenset(line.removeprefix("there ") for line in lines if line.startswith("there "))
    return SpaceLook(there=there, used=used, free=_free(lines))


def require_room_to_restore(reach: Reach, *, volume: str, needed: Bytes) -> None:
    """A file with holes takes little room before a backup, and all of its length after a restore."""
    argv = ("sh", "-c", ROOM, "sh", volume_content(volume))
    completed = reach(argv, volumes=(volume,), access="reads", timeout=TIMEOUT)
    free = _free(check_whole(completed, what="look at the volumes").stdout.splitlines())
    if free < needed:
        raise InfrastructureError(
            f"restore: there are {needed} bytes to bring back, and the node's disk has {free} free"
        )


def _free(lines: Sequence[str]) -> Bytes:
    blocks, size = next(line for line in lines if line.startswith("free ")).split()[1:]
    return int(blocks) * int(size)
