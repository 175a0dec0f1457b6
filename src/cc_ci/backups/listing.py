"""Lists of files in volumes and in snapshots, packed on their way, and what one has more than the other.

Names are any bytes but a zero, and there may be a hundred thousand of them. So they travel as compressed
text, and are compared as restic writes them.
"""

import base64
import binascii
import codecs
import zlib
from collections.abc import Iterable, Sequence

import msgspec

from cc_ci.errors import InfrastructureError
from cc_ci.system.units import Bytes

FOUND = (
    '{ find "$@" -type d -print0; printf "files\\0"; find "$@" -type f -print0; printf "others\\0"; '
    'find "$@" ! -type d ! -type f ! -type s -print0; printf "end\\0"; } | gzip -c | base64'
)
# a socket is no data, and an app that runs may need it
SAVED = '{ restic ls --json --no-cache "$1"; printf "{\\"exit\\":%s}\\n" "$?"; } | gzip -c | base64'
REMOVE = "base64 -d | xargs -0 rm -rf --"
"""What runs where the volumes are; a pipe hides how its first part ended, so that is its last line."""

LISTING_LIMIT: Bytes = 128 * 1024 * 1024
GZIP = 31
"""zlib's own number for its largest window and a gzip header."""


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a snapshot."""

    path: str
    type: str
    size: Bytes = 0


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of `restic ls --json`; the first one is the snapshot's own, the last says how restic ended."""

    path: str | None = None
    type: str = ""
    size: Bytes = 0
    struct_type: str = ""
    exit: int | None = None


def saved_files(listed: str) -> tuple[Saved, ...]:
    """What SAVED told. Raises InfrastructureError where it is not all."""
    lines = [msgspec.json.decode(line, type=_Line) for line in _unpacked(listed).splitlines() if line.strip()]
    if not lines or lines[-1].exit != 0:
        raise InfrastructureError("restic ls: it did not end well, so nothing is compared with it")
    return tuple(
        Saved(path=line.path, type=line.type, size=line.size)
        for line in lines
        if line.path is not None and line.struct_type == "node"
    )


class VolumeContent(msgspec.Struct, frozen=True, kw_only=True):
    """What is in the volumes now, by full name; `others` are links, devices and pipes."""

    folders: tuple[bytes, ...] = ()
    files: tuple[bytes, ...] = ()
    others: tuple[bytes, ...] = ()


def found_files(listed: str) -> VolumeContent:
    """What FOUND told; an app may have removed some while it was looked for."""
    names = _unpacked(listed).split(b"\0")
    files, others, end = (names.index(mark) for mark in (b"files", b"others", b"end"))
    return VolumeContent(
        folders=tuple(names[:files]),
        files=tuple(names[files + 1 : others]),
        others=tuple(names[others + 1 : end]),
    )


def in_the_way(found: VolumeContent, saved: Iterable[Saved]) -> tuple[bytes, ...]:
    """What has to go before a restore, topmost and sorted: what was not saved, or as something else.

    Restic writes into the folders and files that are there, and makes links, devices and pipes only anew.
    """
    kinds = {file.path: file.type for file in saved}
    return topmost(
        (
            *(name for name in found.folders if kinds.get(as_restic_writes(name)) != "dir"),
            *(name for name in found.files if kinds.get(as_restic_writes(name)) != "file"),
            *found.others,
        )
    )


def topmost(names: Iterable[bytes]) -> tuple[bytes, ...]:
    """Those that are not below another of them, sorted."""
    kept: list[bytes] = []
    for name in sorted(names, key=lambda name: name + b"/"):
        if not kept or not name.startswith(kept[-1] + b"/"):
            kept.append(name)
    return tuple(kept)


def as_restic_writes(name: bytes) -> str:
    """Each byte that is no part of a letter becomes U+FFFD, as in all JSON that Go writes."""
    return name.decode(errors="cc-ci-each-byte")


def packed(names: Sequence[bytes]) -> str:
    """What REMOVE takes."""
    return base64.b64encode(b"\0".join(names)).decode()


def _each_byte(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\ufffd", error.start + 1


codecs.register_error("cc-ci-each-byte", _each_byte)


def _unpacked(listed: str) -> bytes:
    try:
        reader = zlib.decompressobj(GZIP)
        content = reader.decompress(base64.b64decode("".join(listed.split()), validate=True), LISTING_LIMIT)
    except (binascii.Error, zlib.error) as error:
        raise InfrastructureError(f"volumes: a list of files came in parts ({error})") from error
    if not reader.eof:
        raise InfrastructureError(f"volumes: a list of files has more than {LISTING_LIMIT} bytes, or no end")
    return content
