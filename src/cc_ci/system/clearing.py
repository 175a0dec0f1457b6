"""Folders that somebody else filled, removed however deep they are.

The standard library calls itself for each level, and a path has 4096 bytes at the most: a suite or a recipe
can leave a tree that ends the next innocent run which clears away.
"""

import contextlib
import itertools
import os
import stat
from pathlib import Path


def remove_tree(root: Path) -> None:
    """Remove a folder with all that is in it; links are not followed, and what is gone is no error.

    Each folder that is found inside of another is moved up to the root first, so no path gets long.
    """
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISDIR(root.lstat().st_mode):
            root.unlink()
            return
        _open(root)
        names = (root / f".cc-ci-{number}" for number in itertools.count())
        while folders := _cleared(root):
            for folder in folders:
                _open(folder)
                for inner in _cleared(folder):
                    _open(inner)
                    inner.rename(next(name for name in names if not os.path.lexists(name)))
                folder.rmdir()
        root.rmdir()


def _cleared(folder: Path) -> list[Path]:
    """Its folders, when all else in it is removed."""
    folders = []
    with os.scandir(folder) as found:
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                folders.append(Path(entry.path))
            else:
                Path(entry.path).unlink()
    return folders


def _open(folder: Path) -> None:
    """Whoever made it may have closed it to its owner; root needs no permission."""
    if os.geteuid():
        folder.chmod(0o700)


def clear_away(root: Path) -> None:
    """As `remove_tree`, where it is no fault that something stays."""
    with contextlib.suppress(OSError):
        remove_tree(root)
