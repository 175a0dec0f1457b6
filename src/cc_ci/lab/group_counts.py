"""What the kernel counts against a control group: processes it ended, and those it refused to start."""

from pathlib import Path

import msgspec

from cc_ci.lab.cgroups import ROOT, version


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """`killed`: processes ended for want of memory; `refused`: how often a new process was refused."""

    killed: int = 0
    refused: int = 0

    def since(self, before: "Counts") -> "Counts":
        return Counts(killed=self.killed - before.killed, refused=self.refused - before.refused)


def read_counts(group: str, *, root: Path = ROOT) -> Counts:
    """The counts of a group, relative to each hierarchy's root; those that can't be had are 0."""
    memory, pids = counting_files(group, root=root)
    return Counts(killed=_entry(memory, "oom_kill"), refused=_entry(pids, "max"))


def counting_files(group: str, *, root: Path = ROOT) -> tuple[Path, Path]:
    """Where memory and processes are counted."""
    relative = group.strip("/")
    if version(root) == 1:
        return root / "memory" / relative / "memory.oom_control", root / "pids" / relative / "pids.events"
    return root / relative / "memory.events", root / relative / "pids.events"


def _entry(file: Path, name: str) -> int:
    try:
        lines = (line.split() for line in file.read_text().splitlines())
        return next((int(words[1]) for words in lines if words[:1] == [name]), 0)
    except (OSError, ValueError, IndexError):
        return 0
