"""The control groups of a private node's containers: what each may have, has, and was refused."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path

import msgspec

from cc_ci.engine.labels import DEPLOYMENT, ROLE, RUN, SERVICE, STACK
from cc_ci.lab.cgroups import FIRST_TO_DIE, ROOT, version
from cc_ci.lab.group_counts import Counts, read_counts
from cc_ci.system.units import Bytes

NO_LIMIT = 1 << 60
"""Version 1 gives no limit as a number close to the largest one there is."""
FILES = {
    1: (
        "memory/{}/memory.usage_in_bytes",
        "memory/{}/memory.limit_in_bytes",
        "pids/{}/pids.current",
        "pids/{}/pids.max",
    ),
    2: ("{}/memory.current", "{}/memory.max", "{}/pids.current", "{}/pids.max"),
}
PROCESSES = {1: "pids/{}/cgroup.procs", 2: "{}/cgroup.procs"}
LENGTH_OF_ID = 64


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """Whose a container is, by its labels; empty where it is no run's."""

    run: str = ""
    deployment: str = ""
    service: str = ""


class ContainerUse(msgspec.Struct, frozen=True, kw_only=True):
    """One container at one instant; a limit is None where only those of all apps hold."""

    counts: Counts = Counts()
    memory_bytes: Bytes = 0
    memory_limit: Bytes | None = None
    processes: int = 0
    processes_limit: int | None = None


def larger(one: ContainerUse, other: ContainerUse) -> ContainerUse:
    """`other`, with the most that either has: what was ended in between has given back what it had."""
    return msgspec.structs.replace(
        other,
        memory_bytes=max(one.memory_bytes, other.memory_bytes),
        processes=max(one.processes, other.processes),
    )


def owner(labels: Mapping[str, str]) -> Owner:
    service = labels.get(SERVICE, "").removeprefix(f"{labels.get(STACK, '')}_")
    return Owner(
        run=labels.get(RUN, ""),
        deployment=labels.get(DEPLOYMENT, ""),
        service=service or labels.get(ROLE, ""),
    )


class AppGroups:
    """Those below one node's group, by the ids of containers."""

    def __init__(self, node_group: str, *, root: Path = ROOT) -> None:
        self._group = f"{node_group.strip('/')}/stack"
        self._root = root
        self._version = version(root)

    def containers(self) -> tuple[str, ...]:
        folder = self._path("pids/{}" if self._version == 1 else "{}")
        try:
            return tuple(path.name for path in folder.iterdir() if len(path.name) == LENGTH_OF_ID)
        except OSError:
            return ()

    def use(self, container: str) -> ContainerUse | None:
        """None for a container that is gone."""
        texts = [self._read(file, container) for file in FILES[self._version]]
        if None in texts:
            return None
        memory, memory_limit, processes, processes_limit = map(_number, texts)
        return ContainerUse(
            counts=read_counts(f"{self._group}/{container}", root=self._root),
            memory_bytes=memory or 0,
            memory_limit=memory_limit,
            processes=processes or 0,
            processes_limit=processes_limit,
        )

    def bound(self, container: str, *, processes: int) -> None:
        """Let a container have so many processes and no more; a lower limit that it has stays."""
        file = self._path(FILES[self._version][-1], container)
        try:
            limit = _number(file.read_text())
            if limit is None or limit > processes:
                file.write_text(str(processes))
        except OSError:
            return  # it is gone

    def expose(self, container: str) -> None:
        """Have its processes, and those that they start, end before a daemon where memory runs out."""
        done: set[int] = set()
        # one that was started meanwhile, by one that was not raised yet
        while fresh := set(self.pids(container)) - done:
            done |= fresh
            for pid in fresh:
                _expose(pid)

    def pids(self, container: str) -> tuple[int, ...]:
        text = self._read(PROCESSES[self._version], container)
        return tuple(map(int, (text or "").split()))

    def kill(self, container: str) -> None:
        for pid in self.pids(container):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def _path(self, pattern: str, container: str = "") -> Path:
        return self._root / pattern.format(f"{self._group}/{container}".rstrip("/"))

    def _read(self, pattern: str, container: str) -> str | None:
        try:
            return self._path(pattern, container).read_text()
        except OSError:
            return None


def _expose(pid: int) -> None:
    file = Path(f"/proc/{pid}/oom_score_adj")
    try:
        # what a recipe or an app asked for counts on top of it, and more than that stays
        if (score := int(file.read_text())) < FIRST_TO_DIE:
            file.write_text(str(FIRST_TO_DIE + max(0, score)))
    except OSError:
        return  # it is gone


def _number(text: str | None) -> int | None:
    """None for `max`, and for what stands for it."""
    if text is None or not text.strip().isdigit():
        return None
    return int(text) if int(text) < NO_LIMIT else None
