"""The control group of a node: one limit for all it runs, page cache included, and one for each of its parts.

An app that takes all of its part's memory is ended there, and the engine beside it is not.

Version 1 has a tree per controller, version 2 one tree for all; a machine with both counts as version 1.
Version 2 was written from the kernel's documentation and never run here.
"""

import contextlib
import errno
import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, get_args

import msgspec

from cc_ci.errors import InfrastructureError
from cc_ci.system.units import Bytes

ROOT = Path("/sys/fs/cgroup")
CONTROLLERS = ("memory", "cpu", "cpuacct", "blkio", "pids")
"""Of version 1: those that limit or count something for us; containers join the others by themselves."""
PERIOD_MICROSECONDS = 100_000
GroupPart = Literal["engine", "stack", "suite"]
"""Below a node's group: its daemons, its containers, and the suites that test what is in them."""
PARTS: tuple[GroupPart, ...] = get_args(GroupPart)
LAST_TO_DIE = -900
"""oom_score_adj of the daemons: where the whole node, or the machine, is out of memory, others end first."""
FIRST_TO_DIE = 500
"""That of apps and suites, alike: among them the largest still ends first. Unlike the daemons' it can be had
everywhere: a machine that is a container itself often may not lower any."""


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """What one part may have; `reserved_bytes` are kept for it where the kernel can (version 2)."""

    memory_bytes: Bytes | None = None
    processes: int | None = None
    reserved_bytes: Bytes = 0


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Of the whole node, and of its parts; None: as much as the machine has."""

    cpus: float | None = None
    memory_bytes: Bytes | None = None
    parts: Mapping[GroupPart, Share] = {}


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
            if error.errno == errno.EBUSY:
                # version 2: only the machine's own root lends controllers while processes are in it
                raise InfrastructureError(
                    f"{what}: processes run in that group itself, so that it lends no controllers, as in a "
                    "container with a root of its own; move them into a group below it first"
                ) from error
            raise InfrastructureError(
                f"{what}: {error.strerror}; a node needs root, and limits that what runs already fits in"
            ) from error

    def join_argv(self, part: GroupPart, *below: str) -> tuple[str, ...]:
        """A prefix that puts a program into one part of the group, or `below` it, and then becomes it."""
        files = [str(Path(folder, part, *below, "cgroup.procs")) for folder in self._folders()]
        join = 'while [ "$1" != -- ]; do echo $$ > "$1" || exit 1; shift; done; shift; exec "$@"'
        score = LAST_TO_DIE if part == "engine" else FIRST_TO_DIE
        # a machine that is a container itself may not be allowed to
        adjust = f"echo {score} 2>/dev/null > /proc/self/oom_score_adj; "
        return ("sh", "-c", f"{adjust}{join}", "join", *files, "--")

    def make_below(self, part: GroupPart, name: str) -> None:
        """Make a group of that name in a part; it may have as many processes as the part."""
        for folder in self._folders():
            try:
                (folder / part / name).mkdir()
            except OSError as error:
                raise InfrastructureError(
                    f"{folder / part}: {error.strerror}; `cc-ci node up` recreates the node's groups"
                ) from error
        if (limit := self._pids_file(part)).exists():
            _write(self._pids_file(part, name), limit.read_text().strip())

    def below(self, part: GroupPart) -> tuple[str, ...]:
        """The names of the groups that were made below a part."""
        tops = (folder / part for folder in self._folders())
        names = {path.name for top in tops if top.is_dir() for path in top.iterdir() if path.is_dir()}
        return tuple(sorted(names))

    def remove_below(self, part: GroupPart, name: str) -> None:
        """End all that runs there, and remove it; works twice."""
        self.kill(part, name)
        self.remove_empty(part, name)

    def remove_empty(self, part: GroupPart, name: str) -> None:
        """Remove a group in which nothing runs; one in which something does stays."""
        for folder in self._folders():
            with contextlib.suppress(OSError):
                # what was killed leaves its group a moment later; an empty one costs nothing until the next
                (folder / part / name).rmdir()

    def processes(self, *below: str) -> tuple[int, ...]:
        """All that run in the group, or in one below it, and further below."""
        found: set[int] = set()
        for folder in self._folders():
            for file in folder.joinpath(*below).rglob("cgroup.procs"):
                found.update(_pids(file))
        return tuple(sorted(found))

    def kill(self, *below: str) -> None:
        """Kill all of them: nothing gets into the group but what the node started."""
        for pid in self.processes(*below):
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
        cpu = self._root / "cpu" / self._path
        _write(self._root / "memory" / self._path / "memory.limit_in_bytes", _or(limits.memory_bytes, -1))
        quota = int(limits.cpus * PERIOD_MICROSECONDS) if limits.cpus else -1
        _write(cpu / "cpu.cfs_period_us", PERIOD_MICROSECONDS)
        _write(cpu / "cpu.cfs_quota_us", quota)
        for part, share in limits.parts.items():
            memory, pids = (self._root / tree / self._path / part for tree in ("memory", "pids"))
            _write(memory / "memory.limit_in_bytes", _or(share.memory_bytes, -1))
            if pids.is_dir():
                _write(pids / "pids.max", _or(share.processes, "max"))

    def _create_2(self, limits: Limits) -> None:
        (group,) = self._folders()
        for part in PARTS:
            (group / part).mkdir(parents=True, exist_ok=True)
        for folder in (self._root, *reversed(group.relative_to(self._root).parents), group):
            _enable(self._root / folder, ("cpu", "memory", "io", "pids"))
        # suites have a group each below theirs
        _enable(group / "suite", ("memory", "pids"))
        quota = str(int(limits.cpus * PERIOD_MICROSECONDS)) if limits.cpus else "max"
        _write(group / "memory.max", _or(limits.memory_bytes, "max"))
        _write(group / "cpu.max", f"{quota} {PERIOD_MICROSECONDS}")
        for part, share in limits.parts.items():
            _write(group / part / "memory.max", _or(share.memory_bytes, "max"))
            _write(group / part / "memory.min", share.reserved_bytes)
            _write(group / part / "pids.max", _or(share.processes, "max"))

    def _pids_file(self, *below: str) -> Path:
        tree = self._root / "pids" if self._version == 1 else self._root
        return tree.joinpath(self._path, *below, "pids.max")

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


def _or(value: int | None, no_limit: int | str) -> int | str:
    return no_limit if value is None else value


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
