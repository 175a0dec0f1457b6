"""Folders that last as long as what they are for; one whose maker died is known by nobody holding it.

A folder is held by a lock on it (flock(2)), which the kernel gives back when its process ends, whatever ended
it. So a pid says nothing here, and containers that share the folder see each other's.
"""

import contextlib
import fcntl
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cc_ci.system.clearing import clear_away
from cc_ci.system.files import state_root

PREFIX = "tmp-"
SUITE_PREFIX = "suite-"
"""Of the folders under /run in which suites find their socket."""


def scratch_root() -> Path:
    """On disk, not under /run: a restic repository in memory would count against the machine's."""
    return state_root() / "scratch"


@contextlib.contextmanager
def held_folder(folder: Path) -> Iterator[Path]:
    """Make `folder`, its owner's alone, and hold it until the end, when it is removed.

    Raises FileExistsError for one that is there.
    """
    descriptor = _made(folder)
    try:
        yield folder
    finally:
        clear_away(folder)
        os.close(descriptor)


@contextlib.contextmanager
def temporary_folder(prefix: str = PREFIX, *, root: Path | None = None) -> Iterator[Path]:
    """Hold a new folder in `root`, by default where runs have theirs, and remove it at the end."""
    place = root or _writable(scratch_root())
    with held_folder(place / f"{prefix}{secrets.token_hex(4)}") as folder:
        yield folder


def _writable(folder: Path) -> Path:
    """A command that only reads, run by somebody without a home, has the machine's own place for such."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.gettempdir())
    return folder if os.access(folder, os.W_OK) else Path(tempfile.gettempdir())


def _made(folder: Path) -> int:
    """Make and lock it; again, if it was taken for an abandoned one between the two."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    while True:
        folder.mkdir(mode=0o700)
        descriptor = _opened(folder)
        if descriptor is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is(folder, descriptor):
                return descriptor
            os.close(descriptor)


def _opened(folder: Path) -> int | None:
    try:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None


def _is(folder: Path, descriptor: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(folder.lstat(), os.fstat(descriptor))
    return False


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Whether it is a folder that nobody holds; nobody can while this lasts."""
    descriptor = _opened(folder)
    if descriptor is None:
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield _is(folder, descriptor)
    except BlockingIOError:
        yield False
    finally:
        os.close(descriptor)


def is_abandoned(folder: Path) -> bool:
    with _locked(folder) as ours:
        return ours


def remove_abandoned(folder: Path) -> bool:
    """Remove a folder that nobody holds; False for one that somebody does, and for what is none."""
    with _locked(folder) as ours:
        if ours:
            clear_away(folder)
        return ours and not os.path.lexists(folder)
