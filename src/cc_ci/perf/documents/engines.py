"""What a set says of engines: the same runs on each, and what another engine saves."""

from collections.abc import Iterator

from cc_ci.perf.analysis import attribution
from cc_ci.perf.analysis.statistics import hodges_lehmann_paired, hodges_lehmann_unpaired
from cc_ci.perf.baselines.measured_set import Set
from cc_ci.perf.documents.tables import Table, seconds
from cc_ci.results.measured import Cell, Measured

Runs = tuple[Measured, ...]
NOTHING = "-"


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


def _rows(measured: Set) -> Iterator[tuple[str, ...]]:
    cells = {
        (cell.recipe, cell.cache, cell.arm): cell for cell in measured.cells if not cell.limit
    }  # one for all its engines
    for one in cells.values():
        first, *others = (measured.runs(_on(one, engine)) for engine in measured.facts.asked.engines)
        yield (str(_on(one, "")), *(_times(runs) for runs in (first, *others)),
               *(_ratio(first, runs) for runs in others))  # fmt: skip


def _on(cell: Cell, engine: str) -> Cell:
    return Cell(recipe=cell.recipe, cache=cell.cache, arm=cell.arm, engine=engine)


def _times(runs: Runs) -> str:
    if not runs:
        return "not measured yet"
    times = attribution.totals(runs)
    least, most = min(times.values), max(times.values)
    return f"{seconds(times.median)} ({len(runs)}; {seconds(least)} to {seconds(most)})"


def _ratio(first: Runs, runs: Runs) -> str:
    """Of pairs, where all rounds are whole: the runs of a round are side by side."""
    if not first or not runs:
        return NOTHING
    whole = len(first) == len(runs)
    ours, theirs = attribution.totals(first).values, attribution.totals(runs).values
    ratio = (hodges_lehmann_paired if whole else hodges_lehmann_unpaired)(ours, theirs)
    if ratio.low is None or ratio.high is None:
        return f"{ratio.estimate:.2f} ({NOTHING})"
    return f"{ratio.estimate:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"
