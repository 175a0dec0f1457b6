"""What runs of one recipe took, side by side: of each arm, and on each engine."""

from collections.abc import Callable, Iterator, Sequence

from cc_ci.perf.analysis import attribution
from cc_ci.perf.analysis.attribution import Times
from cc_ci.perf.baselines.measured_set import Set
from cc_ci.perf.documents.tables import Table, seconds
from cc_ci.results.measured import Cell, Measured

NOTHING = "-"
AROUND = 0.5
"""Rows that are less in every column are left out."""
ArmColumn = tuple[str, tuple[Measured, ...]]
Cells = Sequence[tuple[Cell, tuple[Measured, ...]]]


def against_tables(measured: Set) -> Iterator[Table]:
    """Arms against the first, then engines against the first: phases, then levers, of each recipe and cache.

    Nothing of a set of one arm on one engine.
    """
    yield from _each(measured.deployed, by="arm", label=lambda cell: cell.arm,
                     alike=lambda cell: (cell.recipe, cell.cache, cell.engine))  # fmt: skip
    yield from _each(measured.deployed, by="engine", label=lambda cell: _version(measured, cell),
                     alike=lambda cell: (cell.recipe, cell.cache, cell.arm))  # fmt: skip


def _version(measured: Set, cell: Cell) -> str:
    used = measured.engines.get(cell.engine)
    return (used.engine if used else None) or cell.engine


def _each(
    cells: Cells, *, by: str, label: Callable[[Cell], str], alike: Callable[[Cell], tuple[str, ...]]
) -> Iterator[Table]:
    for key in dict.fromkeys(alike(cell) for cell, _ in cells):
        columns = [(label(cell), runs) for cell, runs in cells if alike(cell) == key]
        if len(columns) > 1:
            of = " ".join(word for word in key if word)
            yield _phases(f"{of}: phases by {by}", columns)
            yield _levers(f"{of}: the most that each lever could save, by {by}", columns)


def _phases(title: str, columns: Sequence[ArmColumn]) -> Table:
    rows = [{row.name: row.times for row in attribution.by_phase(runs)} for _, runs in columns]
    totals = [attribution.totals(runs) for _, runs in columns]
    return Table(
        title=title,
        head=("phase", *_head(columns)),
        rows=(*_rows(rows), _row("whole run", totals)),
        note=(
            f"Medians, seconds of the critical path; {_counts(columns)}. The others less the first: medians"
            f" of phases need not add up to that of the whole run. Below {AROUND:g} s everywhere: left out."
        ),
    )


def _levers(title: str, columns: Sequence[ArmColumn]) -> Table:
    rows = [
        {bound.saving.name: bound.times for bound in attribution.saving_bounds(runs, None)}
        for _, runs in columns
    ]
    return Table(
        title=title,
        head=("lever", *_head(columns)),
        rows=tuple(_rows(rows)),
        note="Medians of what each touches on the critical path, seconds; bounds overlap: they don't add up.",
    )


def _head(columns: Sequence[ArmColumn]) -> tuple[str, ...]:
    first, *others = (name for name, _ in columns)
    return (first, *others, *(f"{other} - {first}" for other in others))


def _counts(columns: Sequence[ArmColumn]) -> str:
    return ", ".join(f"{len(runs)} runs of {name}" for name, runs in columns)


def _rows(found: Sequence[dict[str, Times]]) -> Iterator[tuple[str, ...]]:
    """All names of any column, those that take most first."""
    most: dict[str, float] = {}
    for one in found:
        for name, times in one.items():
            most[name] = max(most.get(name, 0.0), times.median)
    for name in sorted(most, key=lambda name: -most[name]):
        if most[name] >= AROUND:
            yield _row(name, [one.get(name) for one in found])


def _row(name: str, times: Sequence[Times | None]) -> tuple[str, ...]:
    first, *others = (one.median if one else 0.0 for one in times)
    told = (seconds(one.median) if one else NOTHING for one in times)
    return (name, *told, *(_difference(other - first) for other in others))


def _difference(value: float) -> str:
    return f"{'-' if value < 0 else '+'}{seconds(abs(value))}"
