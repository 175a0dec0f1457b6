"""What a sandbox left in its evidence folder, made fit for keeping."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from cc_ci.results.unredacted import is_unredacted
from cc_ci.suite.protocol import BROWSER_FOLDER, LOG_FILE, REPORT_FILE
from cc_ci.system.bounded import read_ends
from cc_ci.system.clearing import clear_away
from cc_ci.system.files import PRIVATE_FILE, PRIVATE_FOLDER, private_folder, write_private
from cc_ci.system.printable import quoted
from cc_ci.system.units import Bytes

TEXT_LIMIT: Bytes = 8 * 1024 * 1024
PICTURE_LIMIT: Bytes = 16 * 1024 * 1024
REPORT_LIMIT: Bytes = 16 * 1024 * 1024
"""Of one file; of a longer text both ends are kept, of a report the beginning; a larger picture goes."""
MOST_BYTES: Bytes = 128 * 1024 * 1024
MOST_FILES = 1000
DEEPEST = 5
LONGEST_NAME = 150
NAMED = 3
_FIRST = (REPORT_FILE, LOG_FILE, BROWSER_FOLDER)
"""What is kept before a suite's own files may use up the room."""


def prepare(folder: Path, *, uid: int | None) -> None:
    """Make the folder `uid`'s own, without what an earlier run left: old lines must not pass for new ones."""
    private_folder(folder)
    for name in _FIRST:
        clear_away(folder / name)
    if uid is not None:
        os.chown(folder, uid, uid)


def settle(folder: Path, *, redact: Callable[[str], str]) -> str | None:
    """Keep plain files only, within limits, redact all text, and make everything cc-ci's own.

    A link or a pipe that a test made would lead or hang whoever reads the evidence later. Hands back what is
    to be said of what was dropped, if anything was.
    """
    room = _Room()
    for path in _found(folder, room):
        if not _kept(path, room, redact=redact):
            room.drop(path)
    _own(folder)
    return room.told()


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

    def told(self) -> str | None:
        if not self.dropped:
            return None
        some = ", ".join(map(quoted, self.dropped[:NAMED]))
        more = f" and {len(self.dropped) - NAMED} more" if len(self.dropped) > NAMED else ""
        return f"of its evidence {some}{more} was dropped: no plain files, or too many or too large ones"


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
    # a picture or an archive is of no use in part, and has no text to look through
    whole = is_unredacted(path.name)
    limit = PICTURE_LIMIT if whole else REPORT_LIMIT if path.name == REPORT_FILE else TEXT_LIMIT
    if (whole and status.st_size > limit) or not room.take(min(status.st_size, limit)):
        return False
    _own(path)
    if not whole:
        write_private(path, redact(_text(path, limit=limit)))
    return True


def _own(path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(path, 0, 0, follow_symlinks=False)
    path.chmod(PRIVATE_FOLDER if path.is_dir() else PRIVATE_FILE)


def _text(path: Path, *, limit: Bytes) -> str:
    if path.name != REPORT_FILE:
        return read_ends(path, limit)
    # it is read line by line: nothing of ours may stand in it, nor half a line
    with path.open("rb") as stream:
        content = stream.read(limit)
    cut = content if path.stat().st_size <= limit else content[: content.rfind(b"\n") + 1]
    return cut.decode(errors="replace")
