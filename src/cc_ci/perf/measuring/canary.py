"""Two fixed pieces of work that tell whether the machine is as fast as it was: on the CPU, on the disk."""

import hashlib
import io
import os
import statistics
import tarfile
from collections.abc import Callable
from pathlib import Path

from cc_ci.results.measured import Canary
from cc_ci.system.clock import Clock
from cc_ci.system.held import temporary_folder
from cc_ci.system.units import Seconds

HASHED = bytes(1 << 20)
HASHES = 400
FILES = 1500
FILE_BYTES = 8192
DISK_MEBIBYTES = 256
REPEATS = 3
"""The median of so many counts."""


def canary(folder: Path, clock: Clock) -> Canary:
    """Do the work, a few seconds of it, with files below `folder`, which are gone afterwards."""
    archive = _archive()
    return Canary(
        cpu=_median(lambda: _seconds(clock, _hash)),
        untar=_median(lambda: _untar_seconds(clock, archive, folder)),
    )


def disk_rate(folder: Path, clock: Clock) -> float:
    """Bytes per second at which a large file is written and flushed."""
    os.sync()
    with temporary_folder("canary-", root=folder) as held, (held / "file").open("wb") as file:
        started = clock.monotonic()
        for _ in range(DISK_MEBIBYTES):
            file.write(HASHED)
        file.flush()
        os.fsync(file.fileno())
        return DISK_MEBIBYTES * len(HASHED) / (clock.monotonic() - started)


def _median(once: Callable[[], Seconds]) -> Seconds:
    return round(statistics.median(once() for _ in range(REPEATS)), 4)


def _seconds(clock: Clock, work: Callable[[], None]) -> Seconds:
    started = clock.monotonic()
    work()
    return clock.monotonic() - started


def _hash() -> None:
    digest = hashlib.sha256()
    for _ in range(HASHES):
        digest.update(HASHED)


def _archive() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=1) as archive:
        for number in range(FILES):
            member = tarfile.TarInfo(f"{number % 50}/{number}")
            member.size = FILE_BYTES
            archive.addfile(member, io.BytesIO(number.to_bytes(4, "big") * (FILE_BYTES // 4)))
    return stream.getvalue()


def _untar_seconds(clock: Clock, archive: bytes, folder: Path) -> Seconds:
    # what others left to be written is not part of the work
    os.sync()
    with temporary_folder("canary-", root=folder) as into:
        return _seconds(clock, lambda: _untar(archive, into))


def _untar(archive: bytes, into: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(archive)) as stream:
        stream.extractall(into, filter="data")
    os.sync()
