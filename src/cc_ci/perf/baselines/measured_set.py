"""A baseline as it was read."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from cc_ci.errors import UsageError
from cc_ci.perf.baselines import sets
from cc_ci.perf.baselines.order import interleaved
from cc_ci.results.engines import EngineUsed, mixed
from cc_ci.results.measured import RUNS, Cell, Measured, read_set
from cc_ci.results.schema import RunResult
from cc_ci.results.store import load

NOTES = "notes"


class Set(msgspec.Struct, frozen=True, kw_only=True):
    """A baseline as it was read."""

    folder: Path
    facts: sets.SetFacts
    measured: tuple[Measured, ...]

    def runs(self, cell: Cell) -> tuple[Measured, ...]:
        return tuple(one for one in self.measured if one.cell == cell and one.counts)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Each cell that was asked for, in the order of the question, cold before warm."""
        asked = self.facts.asked
        once = interleaved(
            asked.recipes,
            cold=min(asked.cold, 1),
            warm=min(asked.warm, 1),
            arms=asked.arms,
            beside=asked.beside,
            engines=asked.order_of_engines,
        )
        # an arm that is held against itself is one cell
        return tuple(dict.fromkeys(once))

    @property
    def engines(self) -> Mapping[str, EngineUsed]:
        """By the name that was asked for."""
        return sets.engines_used(self.facts, self.measured)

    @property
    def filled(self) -> tuple[tuple[Cell, tuple[Measured, ...]], ...]:
        """The cells that have runs, with them."""
        return tuple((cell, runs) for cell in self.cells if (runs := self.runs(cell)))

    @property
    def deployed(self) -> tuple[tuple[Cell, tuple[Measured, ...]], ...]:
        """Of those, the cells that are runs on Swarm."""
        return tuple((cell, runs) for cell, runs in self.filled if not cell.limit)

    def trace(self, cell: Cell) -> RunResult | None:
        """The one run of a cell that was kept with all its spans."""
        path = sets.trace_path(self.folder, cell)
        return load(path) if path.exists() else None

    def note(self, name: str) -> str:
        path = self.folder / NOTES / name
        return path.read_text() if path.exists() else ""


def read(folder: Path) -> Set:
    return Set(folder=folder, facts=sets.read_facts(folder), measured=read_set(folder))


def of_one_engine(measured: Set, others: Sequence[Set]) -> tuple[Set, ...]:
    """Those of `others` that were measured on the same engine as `measured`."""
    ours = tuple(measured.engines.values())
    return tuple(one for one in others if mixed((*ours, *one.engines.values())) is None)


def with_runs(root: Path) -> tuple[Path, ...]:
    """The folders of the baselines that have runs, the oldest first."""
    return tuple(folder for folder in sets.in_order(root) if any((folder / RUNS).glob("*.json")))


def newest(root: Path) -> Path:
    """The folder of the newest baseline that has runs. Raises UsageError where there is none."""
    found = with_runs(root)
    if not found:
        raise UsageError(f"{root}: no baseline with runs; `cc-ci baseline` measures one")
    return found[-1]
