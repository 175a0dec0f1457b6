"""What the apps of one run have written on a private node: in volumes, in containers, and without a name."""

import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from cc_ci.engine.api import Engine
from cc_ci.engine.labels import RUN
from cc_ci.engine.state import Container
from cc_ci.errors import CommandFailed
from cc_ci.isolation.app_groups import Owner, owner
from cc_ci.lab.places import Places
from cc_ci.system.process import Runner
from cc_ci.system.units import Bytes, Seconds

PATIENCE: Seconds = 60.0
"""What can't be counted in that time is too many files."""
TOO_MUCH: Bytes = 1 << 60


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """One place that an app wrote to; `what` says which, in words."""

    what: str
    owner: Owner
    size_bytes: Bytes = 0


class RunsData:
    """Measures the data of one run; `pids` gives those of a container's processes."""

    def __init__(
        self,
        engine: Engine,
        node: Places,
        *,
        run: str,
        runner: Runner,
        pids: Callable[[str], Iterable[int]],
        proc: Path = Path("/proc"),
    ) -> None:
        self._engine = engine
        self._root = node.volumes(remapped=node.remapped).parent
        self._run = run
        self._runner = runner
        self._pids = pids
        self._proc = proc

    def measure(self) -> tuple[Written, ...]:
        """Every place, with the room that it takes on the disk."""
        containers = self._engine.containers({RUN: self._run})
        named = dict(place for container in containers for place in self._places(container))
        sized = (msgspec.structs.replace(one, size_bytes=self._size(path)) for path, one in named.items())
        return (*sized, *map(self._nameless, containers))

    def _places(self, container: Container) -> Iterator[tuple[Path, Written]]:
        whose = owner(container.labels)
        for name in container.volumes:
            yield self._root / "volumes" / name, Written(what=f"volume {name}", owner=whose)
        if layer := self._layer(container.id):
            yield layer, Written(what="files outside of its volumes", owner=whose)

    def _layer(self, container: str) -> Path | None:
        """What a container wrote outside of its volumes, where overlay2 keeps it."""
        mounts = self._root / "image/overlay2/layerdb/mounts"
        try:
            mount = (mounts / container / "mount-id").read_text().strip()
        except OSError:
            return None
        return self._root / "overlay2" / mount / "diff"

    def _size(self, path: Path) -> Bytes:
        """As du counts it, which follows no link and any depth; it complains of what goes while it looks."""
        argv = ("du", "--summarize", "--one-file-system", "--block-size=1", "--", str(path))
        try:
            words = self._runner(argv, timeout=PATIENCE).stdout.split()
        except CommandFailed:
            return TOO_MUCH
        return int(words[0]) if words else 0

    def _nameless(self, container: Container) -> Written:
        """A file that was removed takes its room until the last process closes it."""
        files = {file: room for pid in self._pids(container.id) for file, room in self._removed(pid)}
        what = "files that it removed and keeps open"
        return Written(what=what, owner=owner(container.labels), size_bytes=sum(files.values()))

    def _removed(self, pid: int) -> Iterator[tuple[tuple[int, int], Bytes]]:
        folder = self._proc / str(pid) / "fd"
        try:
            descriptors = list(folder.iterdir())
        except OSError:
            return  # the process has ended
        for descriptor in descriptors:
            try:
                seen = descriptor.stat()
            except OSError:
                continue
            if stat.S_ISREG(seen.st_mode) and seen.st_nlink == 0:
                yield (seen.st_dev, seen.st_ino), seen.st_blocks * 512
