"""What a snapshot holds of each volume, in a line for a message. Pure."""

from collections.abc import Sequence

from cc_ci.backups.listing import Saved
from cc_ci.backups.places import volume_content
from cc_ci.backups.restic import Snapshot
from cc_ci.recipes.backup_labels import BackupPlan


def told(files: Sequence[Saved], snapshot: Snapshot, plan: BackupPlan) -> str:
    """`snapshot 1a2b3c4d has of data 12 files, 3400 bytes; of uploads nothing`."""
    parts = [f"of {volume.volume} {_amount(files, volume.name)}" for volume in plan.volumes]
    return f"snapshot {snapshot.id} has {'; '.join(parts)}"


def _amount(files: Sequence[Saved], volume: str) -> str:
    below = f"{volume_content(volume)}/"
    mine = [file for file in files if file.type != "dir" and file.path.startswith(below)]
    if not mine:
        return "nothing"
    return f"{len(mine)} file{'s' * (len(mine) > 1)}, {sum(file.size for file in mine)} bytes"
