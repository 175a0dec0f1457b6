"""Files and folders that somebody else made, read with a bound on everything."""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from cc_ci.system.units import Bytes


class Unreadable(Exception):  # noqa: N818 - reads as what it is
    """A file that is not read; the message says why, without its name."""


def read_plain(path: Path, *, most: Bytes) -> bytes:
    """The content of a plain file of at most `most` bytes.

    Raises FileNotFoundError where there is none, Unreadable for all else: a pipe would hang its reader, a
    device never ends, and a link leads to whatever its maker likes.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise Unreadable(_reason(error)) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Unreadable("not a plain file")
    with os.fdopen(descriptor, "rb") as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise Unreadable(f"larger than {most} bytes")
    return content


def _reason(error: OSError | ValueError) -> str:
    # a name with a zero byte is a ValueError
    if getattr(error, "errno", None) == errno.ELOOP:
        return "a link"
    return (error.strerror or "can't be opened").lower() if isinstance(error, OSError) else str(error)


def entries(root: Path, *, deepest: int, most: int, skip: frozenset[str] = frozenset()) -> Iterator[Path]:
    """All below `root` but folders, without following links, at most `deepest` folders down.

    Raises Unreadable once there are more than `most` of all kinds: no maker of files can keep us busy.
    """
    waiting = [(root, 0)]
    seen = 0
    while waiting:
        folder, depth = waiting.pop()
        with os.scandir(folder) as found:
            for entry in found:
                seen += 1
                if seen > most:
                    raise Unreadable(f"more than {most} files and folders")
                if entry.is_dir(follow_symlinks=False):
                    if depth < deepest and entry.name not in skip:
                        waiting.append((Path(entry.path), depth + 1))
                else:
                    yield Path(entry.path)
