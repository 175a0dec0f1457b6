"""What one call of a suite may take of the node: memory, processes, and room for its evidence."""

import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from cc_ci.engine.node import Node
from cc_ci.lab.cgroups import NodeGroup
from cc_ci.lab.group_counts import read_counts
from cc_ci.system.units import Bytes, Seconds

MOST_EVIDENCE: Bytes = 512 * 1024 * 1024
MOST_FILES = 10_000
"""Well beyond what is kept of it: more is no evidence, and the disk is the machine's."""
LOOK_EVERY: Seconds = 0.2


class Confinement:
    """A control group of its own while entered, beside the apps'; `join` is the prefix that enters it.

    Only a private node has one. A call whose evidence grows without end is ended.
    """

    def __init__(self, node: Node, name: str, *, evidence: Path | None) -> None:
        self._group = NodeGroup(node.cgroup) if node.cgroup and os.geteuid() == 0 else None
        self._path = f"{node.cgroup}/suite/{name}"
        self._name = name
        self._evidence = evidence
        self._overflowed = False
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="cc-ci-evidence", daemon=True)

    @property
    def join(self) -> tuple[str, ...]:
        return self._group.join_argv("suite", self._name) if self._group else ()

    def __enter__(self) -> Self:
        if self._group:
            self._group.make_below("suite", self._name)
            if self._evidence:
                self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._group:
            self._group.remove_below("suite", self._name)

    def reached(self) -> str | None:
        """Which of its limits the call has reached, if any."""
        if self._overflowed:
            most = f"{MOST_EVIDENCE >> 20} MiB or {MOST_FILES} files"
            return f"its evidence grew beyond {most}, and it was ended"
        if self._group is None:
            return None
        counts = read_counts(self._path)
        if counts.killed:
            said = f"{counts.killed} of its processes were ended: out of memory"
            return f"{said}; suites may have half of the node's, and `cc-ci node up --memory` gives it more"
        return "it started more processes than a suite may have here" if counts.refused else None

    def _watch(self) -> None:
        while not self._left.wait(LOOK_EVERY):
            if self._evidence and self._group and _too_much(self._evidence):
                self._overflowed = True
                self._group.kill("suite", self._name)


def _too_much(folder: Path) -> bool:
    """Whether a folder holds more than evidence may; one too deep to look through does."""
    size = files = 0
    try:
        for _path, folders, names, here in os.fwalk(folder):
            files += len(folders) + len(names)
            for name in names:
                try:
                    size += os.stat(name, dir_fd=here, follow_symlinks=False).st_blocks * 512
                except FileNotFoundError:
                    continue
            if size > MOST_EVIDENCE or files > MOST_FILES:
                return True
    except FileNotFoundError:
        # a folder that went away meanwhile; the next look counts again
        return False
    except (OSError, RecursionError):
        return True
    return False
