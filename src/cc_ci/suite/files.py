"""The files of a suite, within bounds, and the hash of them all."""

import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path

from cc_ci.errors import InfrastructureError
from cc_ci.system.printable import one_line
from cc_ci.system.reading import Unreadable, entries, read_plain
from cc_ci.system.units import Bytes

MADE_BY_TOOLS = frozenset({"__pycache__", ".pytest_cache"})
LARGEST_FILE: Bytes = 32 * 1024 * 1024
MOST_BYTES: Bytes = 128 * 1024 * 1024
MOST_FILES, DEEPEST = 2000, 10
"""What a suite may hold; it is read whole for its hash, and copied for each call."""


def suite_files(folder: Path) -> Iterator[Path]:
    """All files of a suite, in order, without what tools leave there; only plain ones are taken."""
    try:
        found = sorted(entries(folder, deepest=DEEPEST, most=MOST_FILES, skip=MADE_BY_TOOLS))
    except Unreadable as error:
        raise InfrastructureError(f"{folder}: {error}; that is no suite") from error
    for path in found:
        mode = path.lstat().st_mode
        if not stat.S_ISREG(mode):
            kind = "a link" if stat.S_ISLNK(mode) else "no plain file"
            raise InfrastructureError(f"{_shown(path)}: {kind}; a suite holds plain files only")
        if not path.name.isprintable():
            raise InfrastructureError(f"{_shown(path)}: has characters that can't be shown; rename it")
        yield path


def _shown(path: Path) -> str:
    return one_line(str(path))


def read_suite_file(path: Path) -> bytes:
    """The content of one of `suite_files`."""
    try:
        return read_plain(path, most=LARGEST_FILE)
    except (Unreadable, FileNotFoundError) as error:
        raise InfrastructureError(f"{_shown(path)}: can't be read: {error}") from error


def suite_hash(folder: Path) -> str:
    """SHA-256 over the names and contents of all files of the suite."""
    digest = hashlib.sha256()
    room = MOST_BYTES
    for path in suite_files(folder):
        content = read_suite_file(path)
        room -= len(content)
        if room < 0:
            raise InfrastructureError(f"{folder}: its files are larger than {MOST_BYTES} bytes together")
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
