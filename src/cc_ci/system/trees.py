"""Folders of files that somebody else made, copied within limits and without leaving them."""

import os
import shutil
from collections.abc import Collection
from pathlib import Path

from cc_ci.errors import StageFailed
from cc_ci.system.units import Bytes

MOST_FILES = 20_000
MOST_BYTES: Bytes = 256 * 1024 * 1024
DEEPEST = 64
"""Folders within folders."""


class TreeAllowance:
    """What the files of one tree may come to; `what` is whose they are."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._files = 0
        self._bytes: Bytes = 0

    def take(self, size: Bytes) -> None:
        """Count one entry. Raises StageFailed when there are too many of them, or too large ones."""
        self._files += 1
        self._bytes += size
        if self._files > MOST_FILES:
            raise self.too_many()
        if self._bytes > MOST_BYTES:
            most = f"{MOST_BYTES // 2**20} MiB"
            raise StageFailed(f"{self._what}: its files are larger than {most}; take out what no app needs")

    def too_many(self) -> StageFailed:
        return StageFailed(f"{self._what}: more than {MOST_FILES} files; take out what no app needs")


def copy_tree(source: Path, into: Path, *, without: Collection[str] = (".git",)) -> None:
    """Copy the files, folders and links of `source`, but for these names, to a folder that is not there.

    Links that lead out of it, pipes, sockets and devices are left behind. Raises StageFailed for a tree that
    is too large.
    """
    root = Path(os.path.realpath(source))
    allowance = TreeAllowance(str(source))
    waiting = [(root, into, 0)]
    while waiting:
        folder, copy, depth = waiting.pop()
        if depth > DEEPEST:
            raise StageFailed(
                f"{source}: folders within more than {DEEPEST} others; take out what no app needs"
            )
        copy.mkdir(parents=True)
        for entry in os.scandir(folder):
            if entry.name in without:
                continue
            allowance.take(0 if entry.is_symlink() else entry.stat().st_size)
            if entry.is_dir(follow_symlinks=False):
                waiting.append((Path(entry.path), copy / entry.name, depth + 1))
            else:
                _copy(entry, copy / entry.name, root=root)
        shutil.copymode(folder, copy)


def _copy(entry: "os.DirEntry[str]", to: Path, *, root: Path) -> None:
    if entry.is_symlink():
        target = os.path.realpath(entry.path)
        if Path(target).is_relative_to(root):
            # written anew: the old text may lead elsewhere from where the copy is
            to.symlink_to(os.path.relpath(target, Path(entry.path).parent))
    elif entry.is_file(follow_symlinks=False):
        shutil.copy2(entry.path, to, follow_symlinks=False)
