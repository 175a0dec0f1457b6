"""Marker folders in volumes, for apps that have no other way in.

A marker is a folder with files of several kinds: text, binary, long and empty ones, a private one and a
program, in several folders, all with the owner of the volume and a time long ago. It is read back as a whole,
so that a restore which loses a mode shows as well as one that loses a file. Its name is new each time: an app
can't be ready for it.
"""

import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

PREFIX = ".cc-ci-"
LONG_AGO = 1_600_000_000
"""The time of every file of a marker: nothing that an app does by itself gives it."""
LONG = 200_000
"""More than any one block or buffer of a tool that copies."""

Exactness = Literal["exact", "usable"]
"""`exact`: owner, mode and time are as they were. `usable`: an app may have given all of its files another
owner or mode, as some do at each start, if only their owner may still read and write them."""

FILES: Mapping[str, int] = {
    "value": 0o644,
    "owner": 0o644,
    "letters": 0o600,
    "binary": 0o640,
    "long": 0o644,
    "empty": 0o644,
    "deep/er/program": 0o755,
}
FOLDERS: Mapping[str, int] = {"deep": 0o750, "deep/er": 0o755, "deep/nothing": 0o700}
OWNERS_BITS = {"file": 0o600, "folder": 0o700}


class FileOwner(msgspec.Struct, frozen=True, kw_only=True):
    uid: int
    gid: int

    def __str__(self) -> str:
        return f"{self.uid}:{self.gid}"


class MarkerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A file or folder of a marker; `content` is None for a folder."""

    kind: str
    mode: int
    owner: FileOwner
    time: float
    content: bytes | None = None


def entries(value: str, owner: FileOwner) -> dict[str, MarkerEntry]:
    """All of the marker that holds `value`, by path."""
    files = {
        path: MarkerEntry(
            kind="file", mode=mode, owner=owner, time=LONG_AGO, content=_content(path, value, owner)
        )
        for path, mode in FILES.items()
    }
    folders = {
        path: MarkerEntry(kind="folder", mode=mode, owner=owner, time=LONG_AGO)
        for path, mode in FOLDERS.items()
    }
    return {**folders, **files}


def _content(path: str, value: str, owner: FileOwner) -> bytes:
    """What a file of the marker holds: all but the owner follows from the value."""
    written = value.encode()
    known = {
        "value": written,
        "owner": str(owner).encode(),
        "letters": "Grüße, żółw, Ελλάδα, 你好, שלום, 🐙: ".encode() + written + b"\r\n",
        "binary": bytes(range(256)) + hashlib.sha256(written).digest() + b"\0\xff\xfe\n",
        "long": hashlib.shake_256(written).digest(LONG),
        "deep/er/program": b"#!/bin/sh\necho " + written + b"\n",
    }
    return known.get(path, b"")


def archive(value: str, owner: FileOwner) -> bytes:
    """The marker as a tar."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path, entry in entries(value, owner).items():
            member = tarfile.TarInfo(path)
            member.type = tarfile.REGTYPE if entry.kind == "file" else tarfile.DIRTYPE
            member.mode, member.uid, member.gid = entry.mode, owner.uid, owner.gid
            member.mtime, member.size = entry.time, len(entry.content or b"")
            tar.addfile(member, io.BytesIO(entry.content or b""))
    return stream.getvalue()


def read_archive(content: bytes, *, name: str) -> dict[str, MarkerEntry]:
    """What a tar of the folder `name` has, by path below it. Raises ValueError where it is none."""
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as tar:
            return {
                member.name.removeprefix(name).lstrip("/"): _entry(tar, member) for member in tar.getmembers()
            }
    except (tarfile.TarError, OSError, EOFError) as error:
        message = f"can't be read ({error})"
        raise ValueError(message) from error


def _entry(tar: tarfile.TarFile, member: tarfile.TarInfo) -> MarkerEntry:
    stream = tar.extractfile(member) if member.isreg() else None
    kind = "file" if member.isreg() else "folder" if member.isdir() else "something else"
    return MarkerEntry(
        kind=kind,
        mode=member.mode & 0o7777,
        owner=FileOwner(uid=member.uid, gid=member.gid),
        time=float(member.mtime),
        content=stream.read() if stream else None,
    )


class MarkerReading(msgspec.Struct, frozen=True, kw_only=True):
    """What one volume holds of a marker: its value, None where it is gone, and what is wrong with it."""

    value: str | None = None
    faults: tuple[str, ...] = ()


def judge(found: Mapping[str, MarkerEntry], *, exactness: Exactness, root: FileOwner) -> MarkerReading:
    """Compare what was found with what the marker itself says it was; `root` owns the volume's folder now."""
    try:
        value = (found["value"].content or b"").decode()
        uid, _, gid = (found["owner"].content or b"").decode().partition(":")
        owner = FileOwner(uid=int(uid), gid=int(gid))
    except (KeyError, ValueError):
        return MarkerReading(faults=("the marker is there in parts: no value or no owner in it",))
    wanted = entries(value, owner)
    faults = [
        fault
        for path, entry in wanted.items()
        for fault in _faults(path, entry, found.get(path), exactness=exactness, root=root)
    ]
    return MarkerReading(value=value, faults=tuple(faults))


def _faults(
    path: str, was: MarkerEntry, now: MarkerEntry | None, *, exactness: Exactness, root: FileOwner
) -> Iterator[str]:
    if now is None or now.kind != was.kind:
        yield f"{path}: {'is gone' if now is None else f'{now.kind} instead of a {was.kind}'}"
        return
    if now.content != was.content:
        written, read = len(was.content or b""), len(now.content or b"")
        yield f"{path}: other content ({read} bytes, {written} were written)"
    if now.owner != was.owner and (exactness == "exact" or now.owner != root):
        yield f"{path}: owner {now.owner} instead of {was.owner}"
    kept = OWNERS_BITS[was.kind]
    if now.mode != was.mode and (exactness == "exact" or now.mode & kept != kept):
        yield f"{path}: mode {now.mode:04o} instead of {was.mode:04o}"
    if was.kind == "file" and now.time != was.time:
        yield f"{path}: its time of change is {now.time - was.time:+.0f} s from the one that it had"
