"""A baseline as it was read, and what every document says of it."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from cc_ci.errors import UsageError
from cc_ci.perf import sets
from cc_ci.perf.attribution import Times
from cc_ci.perf.order import interleaved
from cc_ci.perf.tables import seconds
from cc_ci.results.measured import Cell, Measured, read_set

NOTES = "notes"


class Set(msgspec.Struct, frozen=True, kw_only=True):
    """A baseline as it was read."""

    folder: Path
    facts: sets.Facts
    measured: tuple[Measured, ...]

    def runs(self, cell: Cell) -> tuple[Measured, ...]:
        return tuple(one for one in self.measured if one.cell == cell and one.counts)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Each cell that was asked for, in the order of the question, cold before warm."""
        asked = self.facts.asked
        return interleaved(
            asked.recipes,
            cold=min(asked.cold, 1),
            warm=min(asked.warm, 1),
            profiles=asked.profiles,
            beside=asked.beside,
        )

    @property
    def filled(self) -> tuple[tuple[Cell, tuple[Measured, ...]], ...]:
        """The cells that have runs, with them."""
        return tuple((cell, runs) for cell in self.cells if (runs := self.runs(cell)))

    @property
    def deployed(self) -> tuple[tuple[Cell, tuple[Measured, ...]], ...]:
        """Of those, the cells that are runs on Swarm."""
        return tuple((cell, runs) for cell, runs in self.filled if cell.profile != sets.BARE)

    def note(self, name: str) -> str:
        path = self.folder / NOTES / name
        return path.read_text() if path.exists() else ""


def read(folder: Path) -> Set:
    return Set(folder=folder, facts=sets.read_facts(folder), measured=read_set(folder))


def newest(root: Path) -> Path:
    """The folder of the newest baseline that has runs. Raises UsageError where there is none."""
    found = [folder for folder in sets.in_order(root) if read_set(folder)]
    if not found:
        raise UsageError(f"{root}: no baseline with runs; `cc-ci baseline` measures one")
    return found[-1]


def joined(parts: Sequence[str]) -> str:
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def made_from(measured: Set) -> str:
    asked, host = measured.facts.asked, measured.facts.host
    counting = [one for one in measured.measured if one.counts]
    boots, codes = len({one.boot for one in counting}), len({one.code for one in counting})
    sentences = (
        f"Made by `cc-ci perf docs` from {measured.folder.parent.name}/{measured.folder.name}; do not edit.",
        f"Begun on {measured.facts.began}, profile `{' and '.join(asked.profiles)}`, on a node of",
        f"{asked.cpus:g} CPUs and {asked.memory_bytes / 2**30:g} GiB, page cache inside the limit;",
        f"stand-in images come over a link of {asked.bandwidth}.",
        f"The machine: {host.cpus} CPUs ({host.cpu_model}), {host.memory_bytes / 2**30:.0f} GiB,",
        f"{host.system}, kernel {host.kernel_version}; {boots} boot(s) of such machines.",
        "A cell is a recipe, whether its images had to be pulled (cold) or were there (warm), and a profile:",
        "`stock` where none is named, `bare` for the same work on plain containers.",
        "Phases and spans are explained in [phases.md](../reference/phases.md).",
        "Cells are interleaved, every second round backwards; a run's place is its number in that order,",
        "and that of its file under runs/. Seconds are medians unless a column says",
        "otherwise; intervals are exact, of 95 % at least, for which there have to be 6 runs.",
        f"Runs were made with {codes} state(s) of the code that they depend on.",
    )
    return " ".join(sentences)


def interval(times: Times) -> str:
    found = times.interval
    return f"{seconds(found.low)} to {seconds(found.high)}" if found else "n too small"
