"""Where a run keeps what it needs while it lasts."""

from pathlib import Path

from cc_ci.system.files import state_root


def scratch_folder(run: str) -> Path:
    """On disk, not under /run: a restic repository in memory would count against the machine's."""
    return state_root() / "scratch" / run
