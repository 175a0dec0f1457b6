"""docs/perf/engines.md: the same runs on each engine, and what an upgrade of the engine saves."""

from collections.abc import Iterator, Sequence

from cc_ci.perf.analysis import attribution
from cc_ci.perf.analysis.attribution import Row, RowsOf
from cc_ci.perf.analysis.statistics import hodges_lehmann_paired, hodges_lehmann_unpaired
from cc_ci.perf.baselines.measured_set import Set
from cc_ci.perf.documents.tables import Table, markdown, seconds, share
from cc_ci.perf.documents.wording import joined, made_from
from cc_ci.results.measured import Cell, Measured
from cc_ci.system.units import Seconds

_Runs = tuple[Measured, ...]
NOTHING = "-"
WORTH_A_ROW: Seconds = 0.5
"""A phase that takes less on every engine goes without a row."""


def engines_page(sets: Sequence[Set]) -> str:
    """The whole document, from sets that were measured on several engines, the oldest first."""
    parts = ["# What the engine alone is worth", *(line for one in sets for line in _answers(one))]
    for one in sets:
        parts += [f"# {_recipes(one)}", made_from(one), one.note("engines.md"), *map(markdown, _tables(one))]
    return joined(parts)


def _recipes(measured: Set) -> str:
    return ", ".join(measured.facts.asked.recipes)


def _tables(measured: Set) -> Iterator[Table]:
    yield engines_table(measured)
    for cell in _cells(measured):
        yield _split(measured, cell, "stage", attribution.by_stage)
        yield _split(measured, cell, "phase", attribution.by_phase)


def _answers(measured: Set) -> Iterator[str]:
    """One sentence for each recipe: the first engine against the last."""
    first, *_, last = measured.facts.asked.engines
    for cell in _cells(measured):
        ours, theirs = measured.runs(_on(cell, first)), measured.runs(_on(cell, last))
        if ours and theirs:
            before, after = attribution.totals(ours).median, attribution.totals(theirs).median
            change = "saves" if after < before else "adds"
            yield (
                f"- {_on(cell, '')}: moving from {_version(measured, first)} to {_version(measured, last)}"
                f" {change} {seconds(abs(before - after))} s of {seconds(before)} s"
                f" ({share(abs(before - after) / before)}); n = {len(ours)} and {len(theirs)}."
            )


def _split(measured: Set, cell: Cell, what: str, rows_of: RowsOf) -> Table:
    """Where the difference lies: medians of each stage or phase, by engine."""
    engines = measured.facts.asked.engines
    found = [_medians(rows_of(measured.runs(_on(cell, engine)))) for engine in engines]
    names = dict.fromkeys(name for medians in found for name in medians)
    values = {name: [medians.get(name) for medians in found] for name in names}
    return Table(
        title=f"{_on(cell, '')}, by {what}",
        head=(what, *(_version(measured, engine) for engine in engines)),
        rows=tuple((name, *map(seconds, row)) for name, row in values.items() if _counts(row)),
        note="Median seconds. Medians of parts need not add up to the median of the whole.",
    )


def _medians(rows: Sequence[Row]) -> dict[str, Seconds]:
    return {row.name: row.times.median for row in rows}


def _counts(medians: Sequence[Seconds | None]) -> bool:
    return any(one is not None and one >= WORTH_A_ROW for one in medians)


def engines_table(measured: Set) -> Table:
    """A row for each recipe and cache state, a column for each engine, held against the first one."""
    engines = measured.facts.asked.engines
    versions = [_version(measured, engine) for engine in engines]
    return Table(
        title="The same runs on each engine",
        head=("recipe", *versions, *(f"{version} / {versions[0]}" for version in versions[1:])),
        rows=tuple(_rows(measured)),
        words=frozenset(range(2 * len(engines))),
        note=(
            "Seconds of whole runs: median (n; least to most). A ratio is how many times as long a run takes,"
            " with its interval of 95 %; '-' where there are too few runs."
            f" {'; '.join(f'{engine}: {used}' for engine, used in measured.engines.items())}."
        ),
    )


def _version(measured: Set, engine: str) -> str:
    used = measured.engines.get(engine)
    return (used.engine if used else None) or engine


def _cells(measured: Set) -> tuple[Cell, ...]:
    """One for all its engines."""
    found = {(cell.recipe, cell.cache, cell.arm): cell for cell in measured.cells if not cell.limit}
    return tuple(found.values())


def _rows(measured: Set) -> Iterator[tuple[str, ...]]:
    for one in _cells(measured):
        first, *others = (measured.runs(_on(one, engine)) for engine in measured.facts.asked.engines)
        yield (str(_on(one, "")), *(_times(runs) for runs in (first, *others)),
               *(_ratio(first, runs) for runs in others))  # fmt: skip


def _on(cell: Cell, engine: str) -> Cell:
    return Cell(recipe=cell.recipe, cache=cell.cache, arm=cell.arm, engine=engine)


def _times(runs: _Runs) -> str:
    if not runs:
        return "not measured yet"
    times = attribution.totals(runs)
    least, most = min(times.values), max(times.values)
    return f"{seconds(times.median)} ({len(runs)}; {seconds(least)} to {seconds(most)})"


def _ratio(first: _Runs, runs: _Runs) -> str:
    """Of pairs, where all rounds are whole: the runs of a round are side by side."""
    if not first or not runs:
        return NOTHING
    whole = len(first) == len(runs)
    ours, theirs = attribution.totals(first).values, attribution.totals(runs).values
    ratio = (hodges_lehmann_paired if whole else hodges_lehmann_unpaired)(ours, theirs)
    if ratio.low is None or ratio.high is None:
        return f"{ratio.estimate:.2f} ({NOTHING})"
    return f"{ratio.estimate:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"
