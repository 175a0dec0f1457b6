"""The boots that a set was measured on, side by side: what is a machine's, and what is a run's."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from cc_ci.perf.analysis.limit_terms import terms_of
from cc_ci.perf.analysis.statistics import median
from cc_ci.perf.baselines.measured_set import Set
from cc_ci.perf.documents.tables import Table, seconds
from cc_ci.results.measured import Canary, Measured
from cc_ci.system.units import Seconds

NOTHING = "-"
CANARIES: tuple[tuple[str, Callable[[Canary], float | None]], ...] = (
    ("CPU", lambda canary: canary.cpu),
    ("untar", lambda canary: canary.untar),
    ("all CPUs and memory", lambda canary: canary.loaded),
)
"""Those that a set has none of are left out."""


def machines_table(measured: Set) -> Table:
    """One column per boot, in their order; canaries are those before each run that counts."""
    boots = tuple(_by_boot(measured))
    usual = measured.facts.canaries
    return Table(
        title="The machine meanwhile",
        head=("of the runs that count", "at the beginning", *(f"boot {at}" for at, _ in enumerate(boots, 1))),
        rows=(
            ("runs", NOTHING, *(str(len(runs)) for runs in boots)),
            ("kernel", measured.facts.host.kernel, *(_kernels(runs) for runs in boots)),
            *(
                (
                    f"canary, {name}",
                    _range(map(read, usual)),
                    *(_range(_canaries(runs, read)) for runs in boots),
                )
                for name, read in CANARIES
                if any(read(one) is not None for one in usual)
            ),
            ("foreign CPUs", NOTHING, *(_range(one.foreign_cpus for one in runs) for runs in boots)),
            *((f"{cell}, s", NOTHING, *_medians(runs, boots, _seconds)) for cell, runs in measured.filled),
            *(
                (f"{cell}, CPU s", NOTHING, *_medians(runs, boots, _cpu_seconds))
                for cell, runs in measured.filled
                if cell.limit
            ),
        ),
        note=(
            "Canaries in seconds; foreign CPUs are those that others than the run and its node kept busy:"
            " median (least to most). Whole runs, in seconds: median (n). CPU s: what app and engine used"
            " for the same work on plain containers; more of it is a slower CPU."
            " Another boot may be another machine of the same kind; each built its stand-in images anew."
        ),
    )


def _by_boot(measured: Set) -> Iterator[tuple[Measured, ...]]:
    counting = [one for one in measured.measured if one.counts]
    for boot in dict.fromkeys(one.boot for one in counting):
        yield tuple(one for one in counting if one.boot == boot)


def _kernels(runs: Sequence[Measured]) -> str:
    found = (one.result.environment.kernel for one in runs if one.result)
    return ", ".join(dict.fromkeys(kernel or "unknown" for kernel in found))


def _canaries(runs: Sequence[Measured], read: Callable[[Canary], float | None]) -> Iterator[float | None]:
    return (read(one.canary_before) for one in runs if one.canary_before)


def _range(values: Iterable[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{median(known):.2f} ({min(known):.2f} to {max(known):.2f})" if known else NOTHING


def _medians(
    runs: Sequence[Measured], boots: Sequence[Sequence[Measured]], read: Callable[[Measured], Seconds | None]
) -> Iterator[str]:
    """Of a cell's runs, boot by boot."""
    for boot in boots:
        there = [read(one) for one in runs if one.boot == boot[0].boot]
        known = [value for value in there if value is not None]
        yield f"{seconds(median(known))} ({len(known)})" if known else NOTHING


def _seconds(run: Measured) -> Seconds | None:
    return run.result.total_seconds if run.result else None


def _cpu_seconds(run: Measured) -> Seconds | None:
    return terms_of(run).cpu_seconds
