"""Measure the cells of a set one run after the other, and take up where it was left."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from cc_ci.errors import UsageError
from cc_ci.perf.analysis.statistics import median
from cc_ci.perf.baselines import sets
from cc_ci.perf.measuring.expected import Past, expected
from cc_ci.perf.measuring.foreign import CpuCounts, foreign_cpus
from cc_ci.perf.measuring.void import usual, void
from cc_ci.results.engines import EngineUsed
from cc_ci.results.measured import Canary, Cell, Measured, compact, parts, read_set, write
from cc_ci.results.schema import RunResult
from cc_ci.system.clock import Clock
from cc_ci.system.units import Seconds

ATTEMPTS = 3
"""At one place of the order, in one call: what fails so often is not the machine's mood."""
UNFINISHED = "it was begun and never ended"
CHANGED = "the code changed meanwhile"


class MeasuringBench(Protocol):
    """What measuring needs of the machine."""

    clock: Clock
    boot: str

    @property
    def code(self) -> str:
        """The state of the code on disk, now."""

    def prepare(self, cell: Cell) -> None:
        """Put the node into the cell's cache state; not timed."""

    def canary(self) -> Canary: ...

    def count(self) -> CpuCounts: ...

    def run(self, cell: Cell, *, name: str) -> RunResult:
        """One run, from the command to its results, whatever its verdict."""


def measure(
    folder: Path,
    bench: MeasuringBench,
    *,
    say: Callable[[str], None],
    code: str | None = None,
    lacking: Collection[str] = (),
    past: Collection[Past] = (),
) -> tuple[int, ...]:
    """Fill the set's missing places, but those of recipes that are `lacking`; hands back what is missing.

    How long it will take, by runs of the `past`, is said first. Each attempt is written when it begins, so
    that one that is never ended is not lost in silence. Raises UsageError when the code is not `code`, by
    default that of now: runs are programs of their own, and take what is on disk.
    """
    code = code or bench.code
    facts = sets.read_facts(folder)
    before = usual(facts.canaries)
    if told := _hours(facts, read_set(folder), lacking=lacking, past=past):
        say(told)
    for place in sets.missing(facts.order, read_set(folder)):
        cell = facts.order[place - 1]
        if cell.recipe in lacking:
            say(f"place {place}: {cell}: left out, no registry here has its images")
            continue
        for _ in range(ATTEMPTS):
            _require_code(folder, bench, code)
            done = read_set(folder)
            say(_heading(place, cell, facts.order, done))
            attempt = 1 + sum(one.place == place for one in done)
            begun = Measured(cell=cell, place=place, attempt=attempt, code=code, boot=bench.boot)
            measured = _attempt(begun, folder, bench, reference=before)
            say(f"{cell}: {_outcome(measured)}")
            _require_code(folder, bench, code)
            if measured.counts:
                break
    return sets.missing(facts.order, read_set(folder))


def _hours(
    facts: sets.SetFacts, done: Sequence[Measured], *, lacking: Collection[str], past: Collection[Past]
) -> str | None:
    places = sets.missing(facts.order, done)
    due = [cell for cell in (facts.order[place - 1] for place in places) if cell.recipe not in lacking]
    used = {**facts.engines, "": next(iter(facts.engines.values()), EngineUsed())}
    engines = [used.get(cell.engine, EngineUsed()).engine for cell in due]
    return expected(due, past, engines=engines).in_words(len(due)) if due else None


def _require_code(folder: Path, bench: MeasuringBench, code: str) -> None:
    if bench.code != code:
        raise UsageError(f"{folder}: the code was {code} and is {bench.code}: go on with the former")


def _attempt(begun: Measured, folder: Path, bench: MeasuringBench, *, reference: Canary) -> Measured:
    write(msgspec.structs.replace(begun, void=UNFINISHED), folder)
    bench.prepare(begun.cell)
    canary_before = bench.canary()
    counted, started = bench.count(), bench.clock.monotonic()
    result = bench.run(begun.cell, name=begun.name)
    foreign = foreign_cpus(counted, bench.count(), seconds=bench.clock.monotonic() - started)
    canary_after = bench.canary()
    measured = msgspec.structs.replace(
        begun,
        canary_before=canary_before,
        canary_after=canary_after,
        foreign_cpus=foreign,
        void=CHANGED
        if bench.code != begun.code
        else void(usual=reference, before=canary_before, after=canary_after, foreign_cpus=foreign),
        result=compact(result),
        parts=parts(result),
    )
    write(measured, folder)
    if measured.counts and not sets.trace_path(folder, begun.cell).exists():
        sets.write_trace(result, begun.cell, folder)
    return measured


def _heading(place: int, cell: Cell, order: Sequence[Cell], done: Sequence[Measured]) -> str:
    due = sets.missing(order, done)
    left = remaining([order[one - 1] for one in due], done)
    about = f", about {left / 3600:.1f} h to go" if left is not None else ""
    return f"run {place} of {len(order)}: {cell}; {len(due)} to do{about}"


def remaining(due: Sequence[Cell], done: Sequence[Measured]) -> Seconds | None:
    """How long the runs that are due will take, by the medians so far; None while a cell has none."""
    times: dict[Cell, list[Seconds]] = {}
    for one in done:
        if one.counts and one.result:
            times.setdefault(one.cell, []).append(one.result.total_seconds)
    if any(cell not in times for cell in due):
        return None
    return sum(median(times[cell]) for cell in due)


def _outcome(measured: Measured) -> str:
    result = measured.result
    took = f"{result.verdict} after {result.total_seconds:.0f} s" if result else "no result"
    if measured.void:
        return f"{took}; void: {measured.void}"
    if not measured.counts and result:
        return f"{took}, so no sample: {'; '.join(result.because) or 'no reason given'}"
    return took
