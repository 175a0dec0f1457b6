"""Fixed pieces of work that tell whether the machine is as fast as it was.

On one CPU, on the disk, and on all CPUs and the memory at once: a machine that shares its cores or its memory
with others may be as fast as ever while one core works alone, and slow once all do.
"""

import hashlib
import io
import os
import statistics
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
COPIED = bytes(32 << 20)
"""Larger than the caches that a core has for itself."""
COPIES = 8
ROUNDS = 4
"""On each CPU: so many times a hash of `COPIED`, and then so many copies of it."""


def canary(folder: Path, clock: Clock) -> Canary:
    """Do the work, some seconds of it, with files below `folder`, which are gone afterwards."""
    archive = _archive()
    raw = {
        "cpu": _repeated(lambda: _seconds(clock, _hash)),
        "untar": _repeated(lambda: _untar_seconds(clock, archive, folder)),
        "loaded": _repeated(lambda: loaded_seconds(clock)),
    }
    return Canary(**{work: statistics.median(values) for work, values in raw.items()}, raw=raw)


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


def _repeated(once: Callable[[], Seconds]) -> tuple[Seconds, ...]:
    return tuple(round(once(), 4) for _ in range(REPEATS))


def _seconds(clock: Clock, work: Callable[[], None]) -> Seconds:
    started = clock.monotonic()
    work()
    return clock.monotonic() - started


def _hash() -> None:
    digest = hashlib.sha256()
    for _ in range(HASHES):
        digest.update(HASHED)


def loaded_seconds(clock: Clock) -> Seconds:
    """All CPUs at once; a thread computes and copies without Python's lock."""
    cpus = len(os.sched_getaffinity(0))
    files = [os.memfd_create("canary") for _ in range(cpus)]
    try:
        for file in files:
            os.pwrite(file, COPIED, 0)
        with ThreadPoolExecutor(cpus) as pool:
            return _seconds(clock, lambda: list(pool.map(_load, files)).clear())
    finally:
        for file in files:
            os.close(file)


def _load(file: int) -> None:
    for _ in range(ROUNDS):
        hashlib.sha256(COPIED)
        for _ in range(COPIES):
            os.pwrite(file, COPIED, 0)


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
