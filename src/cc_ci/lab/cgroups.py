"""The control group of a node: one limit for its engine, its containers, and their page cache.

Version 1 has a tree per controller, version 2 one tree for all; a machine with both counts as version 1.
Version 2 was written from the kernel's documentation and never run here.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import msgspec

from cc_ci.errors import InfrastructureError
from cc_ci.system.units import Bytes

ROOT = Path("/sys/fs/cgroup")
CONTROLLERS = ("memory", "cpu", "cpuacct", "blkio", "pids")
"""Of version 1: those that limit or count something for us; containers join the others by themselves."""
PERIOD_MICROSECONDS = 100_000
PARTS = ("engine", "stack")
"""Below a node's group: its daemons, and its containers."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """None: as much as the machine has."""

    cpus: float | None = None
    memory_bytes: Bytes | None = None


def version(root: Path = ROOT) -> int:
    return 2 if (root / "cgroup.controllers").exists() else 1


class NodeGroup:
    """The group at `path`, such as /cc-ci/NAME, relative to the root of each hierarchy."""

    def __init__(self, path: str, *, root: Path = ROOT) -> None:
        self._path = path.strip("/")
        self._root = root
        self._version = version(root)

    def create(self, limits: Limits) -> None:
        """Make the group and its parts, and set the limits; works on one that is there."""
        try:
            if self._version == 1:
                self._create_1(limits)
            else:
                self._create_2(limits)
        except OSError as error:
            what = error.filename or f"control group /{self._path}"
            raise InfrastructureError(
                f"{what}: {error.strerror}; a node needs root, and limits that what runs already fits in"
            ) from error

    def join_argv(self, part: str) -> tuple[str, ...]:
        """A prefix that puts a program into one part of the group and then becomes it."""
        files = [str(folder / part / "cgroup.procs") for folder in self._folders()]
        script = 'while [ "$1" != -- ]; do echo $$ > "$1" || exit 1; shift; done; shift; exec "$@"'
        return ("sh", "-c", script, "join", *files, "--")

    def processes(self) -> tuple[int, ...]:
        """All that run in the group and below it."""
        found: set[int] = set()
        for folder in self._folders():
            for file in folder.rglob("cgroup.procs"):
                found.update(_pids(file))
        return tuple(sorted(found))

    def kill(self) -> None:
        """Kill all of them: nothing gets into the group but what the node started."""
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def remove(self) -> None:
        """Remove the group with all below it; what still runs in it keeps its own part."""
        for top in self._all_trees():
            for folder in sorted((top, *_below(top)), key=lambda path: -len(path.parts)):
                try:
                    folder.rmdir()
                except OSError:
                    continue

    def _create_1(self, limits: Limits) -> None:
        for folder in self._folders():
            for part in PARTS:
                (folder / part).mkdir(parents=True, exist_ok=True)
        memory, cpu = self._root / "memory" / self._path, self._root / "cpu" / self._path
        _write(memory / "memory.limit_in_bytes", limits.memory_bytes or -1)
        quota = int(limits.cpus * PERIOD_MICROSECONDS) if limits.cpus else -1
        _write(cpu / "cpu.cfs_period_us", PERIOD_MICROSECONDS)
        _write(cpu / "cpu.cfs_quota_us", quota)

    def _create_2(self, limits: Limits) -> None:
        (group,) = self._folders()
        for part in PARTS:
            (group / part).mkdir(parents=True, exist_ok=True)
        for folder in (self._root, *reversed(group.relative_to(self._root).parents), group):
            _enable(self._root / folder, ("cpu", "memory", "io", "pids"))
        quota = str(int(limits.cpus * PERIOD_MICROSECONDS)) if limits.cpus else "max"
        _write(group / "memory.max", limits.memory_bytes or "max")
        _write(group / "cpu.max", f"{quota} {PERIOD_MICROSECONDS}")

    def _folders(self) -> tuple[Path, ...]:
        if self._version == 2:  # noqa: PLR2004 - the kernel's own number
            return (self._root / self._path,)
        controllers = [name for name in CONTROLLERS if (self._root / name / "cgroup.procs").exists()]
        return tuple(self._root / name / self._path for name in controllers)

    def _all_trees(self) -> tuple[Path, ...]:
        """The group in every hierarchy: the engine makes its containers' groups in all of them."""
        if self._version == 2:  # noqa: PLR2004 - the kernel's own number
            return self._folders()
        return tuple(top / self._path for top in self._root.iterdir() if (top / self._path).is_dir())


def _enable(folder: Path, controllers: tuple[str, ...]) -> None:
    there = (folder / "cgroup.controllers").read_text().split()
    for controller in controllers:
        if controller in there:
            _write(folder / "cgroup.subtree_control", f"+{controller}")


def _below(top: Path) -> Iterator[Path]:
    return (path for path in top.rglob("*") if path.is_dir())


def _pids(file: Path) -> Iterator[int]:
    try:
        return map(int, file.read_text().split())
    except OSError:
        return iter(())


def _write(file: Path, value: object) -> None:
    # no O_CREAT: what the kernel does not have must not be made up
    with file.open("r+") as stream:
        stream.write(str(value))
