"""What a sandbox left in its evidence folder, made fit for keeping."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from cc_ci.suite.protocol import BROWSER_FOLDER, LOG_FILE, REPORT_FILE
from cc_ci.system.clearing import clear_away
from cc_ci.system.printable import quoted
from cc_ci.system.units import Bytes

TEXT_LIMIT: Bytes = 8 * 1024 * 1024
PICTURE_LIMIT: Bytes = 16 * 1024 * 1024
REPORT_LIMIT: Bytes = 16 * 1024 * 1024
"""Of one file; of a longer text the beginning is kept, a larger picture goes."""
MOST_BYTES: Bytes = 128 * 1024 * 1024
MOST_FILES = 1000
DEEPEST = 5
LONGEST_NAME = 150
NAMED = 3
_PICTURES = {".png"}
_FIRST = (REPORT_FILE, LOG_FILE, BROWSER_FOLDER)
"""What is kept before a suite's own files may use up the room."""


def prepare(folder: Path, *, uid: int | None) -> None:
    """Make the folder `uid`'s own, without what an earlier run left: old lines must not pass for new ones."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in _FIRST:
        clear_away(folder / name)
    if uid is not None:
        os.chown(folder, uid, uid)


def settle(folder: Path, *, redact: Callable[[str], str]) -> str | None:
    """Keep plain files only, within limits, redact all but pictures, and make everything cc-ci's own.

    A link or a pipe that a test made would lead or hang whoever reads the evidence later. Hands back what is
    to be said of what was dropped, if anything was.
    """
    room = _Room()
    for path in _found(folder, room):
        if not _kept(path, room, redact=redact):
            room.drop(path)
    _own(folder)
    return room.told(folder)


class _Room(msgspec.Struct):
    """What evidence there may still be."""

    files: int = MOST_FILES
    size: Bytes = MOST_BYTES
    dropped: list[str] = []

    def take(self, size: Bytes) -> bool:
        if self.files < 1 or self.size < size:
            return False
        self.files -= 1
        self.size -= size
        return True

    def drop(self, path: Path) -> None:
        clear_away(path)
        self.dropped.append(path.name)

    def told(self, folder: Path) -> str | None:
        if not self.dropped:
            return None
        some = ", ".join(map(quoted, self.dropped[:NAMED]))
        more = f" and {len(self.dropped) - NAMED} more" if len(self.dropped) > NAMED else ""
        return f"evidence {folder.name}: {some}{more} dropped: no plain files, or too many or too large ones"


def _found(folder: Path, room: _Room) -> Iterator[Path]:
    """All but folders, which are made cc-ci's own or dropped on the way."""
    waiting = [(folder, 0)]
    while waiting:
        parent, depth = waiting.pop(0)
        for path in sorted(parent.iterdir(), key=_turn):
            if not stat.S_ISDIR(path.lstat().st_mode):
                yield path
            elif depth < DEEPEST and _named(path) and room.take(0):
                _own(path)
                waiting.append((path, depth + 1))
            else:
                room.drop(path)


def _turn(path: Path) -> tuple[bool, str]:
    return path.name not in _FIRST, path.name


def _named(path: Path) -> bool:
    return path.name.isprintable() and len(os.fsencode(path.name)) <= LONGEST_NAME


def _kept(path: Path, room: _Room, *, redact: Callable[[str], str]) -> bool:
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode) or not _named(path):
        return False
    picture = path.suffix in _PICTURES
    limit = PICTURE_LIMIT if picture else REPORT_LIMIT if path.name == REPORT_FILE else TEXT_LIMIT
    if (picture and status.st_size > limit) or not room.take(min(status.st_size, limit)):
        return False
    _own(path)
    if not picture:
        _redact(path, redact, limit=limit)
    return True


def _own(path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(path, 0, 0, follow_symlinks=False)
        path.chmod(0o755 if path.is_dir() else 0o644)


def _redact(path: Path, redact: Callable[[str], str], *, limit: Bytes) -> None:
    with path.open("r+b") as stream:
        kept = redact(stream.read(limit).decode(errors="replace"))
        stream.seek(0)
        stream.truncate()
        stream.write(kept.encode(errors="replace"))
