"""What whole runs took of the node and of the machine."""

from collections.abc import Callable, Sequence

from cc_ci.perf.analysis.statistics import median
from cc_ci.perf.baselines.measured_set import Set
from cc_ci.perf.documents.tables import Table, seconds, share
from cc_ci.results.measured import Measured
from cc_ci.results.schema import RunResult
from cc_ci.timing.resources import SpanResources

NOTHING = "-"
UsageColumn = Callable[[RunResult, SpanResources], float | None]


def _cpu_seconds(_run: RunResult, whole: SpanResources) -> float | None:
    return _sum(whole.stack.cpu_seconds, whole.engine.cpu_seconds)


def _written(_run: RunResult, whole: SpanResources) -> float | None:
    return _sum(whole.stack.written_bytes, whole.engine.written_bytes)


def _peak(_run: RunResult, whole: SpanResources) -> float | None:
    return whole.stack.peak_working_set_bytes


def _cpu_pressure(run: RunResult, whole: SpanResources) -> float | None:
    return _of_run(whole.pressure.cpu_some_seconds, run)


def _io_pressure(run: RunResult, whole: SpanResources) -> float | None:
    return _of_run(whole.pressure.io_some_seconds, run)


def _memory_pressure(run: RunResult, whole: SpanResources) -> float | None:
    return _of_run(whole.pressure.memory_some_seconds, run)


def _megabytes(value: float) -> str:
    return f"{value / 1e6:.0f}"


COLUMNS: tuple[tuple[str, UsageColumn, Callable[[float], str]], ...] = (
    ("CPU s", _cpu_seconds, seconds),
    ("MB written", _written, _megabytes),
    ("peak MB of memory", _peak, _megabytes),
    ("CPU pressure", _cpu_pressure, share),
    ("I/O pressure", _io_pressure, "{:.1%}".format),
    ("memory pressure", _memory_pressure, "{:.1%}".format),
)


def usage_table(measured: Set) -> Table:
    """One row per cell: medians over its runs."""
    return Table(
        title="What whole runs used",
        head=("cell", *(head for head, _, _ in COLUMNS)),
        rows=tuple((str(cell), *_row(runs)) for cell, runs in measured.filled),
        note=(
            "Medians. CPU and bytes written: of all containers and of the engine, not of suite and browser."
            " Peak: the containers' working set, their memory less the inactive page cache. Pressure: share"
            " of the run in which some task of the machine stood still for it (PSI)."
        ),
    )


def _row(runs: Sequence[Measured]) -> tuple[str, ...]:
    return tuple(_median(runs, read, told) for _, read, told in COLUMNS)


def _median(runs: Sequence[Measured], read: UsageColumn, told: Callable[[float], str]) -> str:
    wholes = ((one.result, whole) for one in runs if one.result and (whole := one.result.whole))
    values = [value for run, whole in wholes if (value := read(run, whole)) is not None]
    return told(median(values)) if values else NOTHING


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


def _of_run(part: float | None, run: RunResult) -> float | None:
    return None if part is None or not run.total_seconds else part / run.total_seconds
