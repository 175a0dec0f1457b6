"""docs/perf/attribution.md: where the time of a run goes."""

from collections.abc import Iterator, Sequence

from cc_ci.perf.analysis import attribution
from cc_ci.perf.analysis.attribution import Times
from cc_ci.perf.analysis.savings import SAVINGS, UNBOUNDED, Saving
from cc_ci.perf.analysis.targets import TARGETS
from cc_ci.perf.analysis.waits import Wait, waits
from cc_ci.perf.baselines.measured_set import Set
from cc_ci.perf.documents.against import against_tables
from cc_ci.perf.documents.tables import Table, markdown, seconds, share
from cc_ci.perf.documents.wording import interval, joined, made_from
from cc_ci.results.measured import Cache, Cell, Measured
from cc_ci.results.schema import RunResult

LONGEST = 12
CACHES: tuple[Cache, ...] = ("cold", "warm")
OPENING = (
    "Each line is one run, so that its phases add up: the one with the median time, of an even number the"
    " quicker of the middle two."
)
LARGEST = (
    "Of each lever the median of `at most`, times the share of it that `what-if` leaves in one run, since a"
    " chain beside it may take the rest back; the tables below have both."
)


def attributed(measured: Set) -> str:
    """Where the time of a run goes."""
    lines = [f"- {attribution.opening(_of(cell, runs), runs)}" for cell, runs in measured.deployed]
    levers = [
        f"- {_class(cell)}{cell}: {', '.join(_largest(measured, cell, runs))}"
        for cell, runs in measured.deployed
    ]
    parts = [
        "# Attribution: where the time of a run goes",
        "\n".join(lines),
        OPENING,
        made_from(measured),
        f"## The largest levers of each class\n\n{LARGEST}\n\n" + "\n".join(levers),
        measured.note("attribution.md"),
        *(markdown(table) for table in attribution_tables(measured)),
    ]
    return joined(parts)


def _class(cell: Cell) -> str:
    return next((f"{target.of}, " for target in TARGETS if target.recipe == cell.recipe), "")


def _of(cell: Cell, runs: Sequence[Measured]) -> str:
    return f"{cell} (n = {len(runs)})"


def attribution_tables(measured: Set) -> Iterator[Table]:
    alike = ((cell.recipe, cell.arm, cell.engine) for cell, _ in measured.deployed)
    for recipe, arm, engine in dict.fromkeys(alike):
        yield _pareto(measured, recipe, arm=arm, engine=engine)
    yield from against_tables(measured)
    for cell, runs in measured.deployed:
        yield _path(cell, runs)
        yield _waits(cell, runs)
        yield _levers(measured, cell, runs)
        yield _pressed(measured, cell, runs)


def _pareto(measured: Set, recipe: str, *, arm: str, engine: str) -> Table:
    """Phases, cold against warm, with the exact interval of each median and the share summed up."""
    cells = [Cell(recipe=recipe, cache=cache, arm=arm, engine=engine) for cache in CACHES]
    cold, warm = map(measured.runs, cells)
    name = " ".join((recipe, *cells[0].words[2:]))
    colds, warms = ({row.name: row.times for row in attribution.by_phase(runs)} for runs in (cold, warm))
    main = warms or colds
    total = sum(times.median for times in main.values())
    rows, summed = [], 0.0
    for phase, times in main.items():
        summed += times.median
        rows.append((phase, _cell(colds.get(phase)), _cell(warms.get(phase)), share(times.median / total),
                     share(summed / total)))  # fmt: skip
    rows += [(phase, _cell(times), "-", "-", "-") for phase, times in colds.items() if phase not in main]
    of = "warm" if warms else "cold"
    return Table(
        title=f"{name}: phases by time on the critical path",
        head=("phase", "cold", "warm", f"share, {of}", "summed up"),
        rows=tuple(rows),
        note=f"Median (interval of the median), seconds, of {len(cold)} cold and {len(warm)} warm runs.",
    )


def _cell(times: Times | None) -> str:
    return "-" if times is None else f"{seconds(times.median)} ({interval(times)})"


def _path(cell: Cell, runs: Sequence[Measured]) -> Table:
    total = attribution.totals(runs).median
    rows = tuple(
        (row.name, seconds(row.times.median), interval(row.times), share(row.times.median / total))
        for row in attribution.by_part(runs)[:LONGEST]
    )
    return Table(title=f"{_of(cell, runs)}: the critical path, by kind of span", head=("span", "seconds",
                 "interval", "of the run"), rows=rows, words=frozenset({0, 2}))  # fmt: skip


def _waits(cell: Cell, runs: Sequence[Measured]) -> Table:
    rows = tuple((wait.name, seconds(wait.times.median), _after(wait)) for wait in waits(runs)[:LONGEST])
    return Table(
        title=f"{_of(cell, runs)}: what was waited for",
        head=("wait", "seconds", "of it after the condition was true"),
        rows=rows,
        note=(
            "`at most`: looks are apart, a health check's by its interval, those at an app's other signs by"
            " the profile's; the condition came true between the last that failed and the first that did not,"
            " as it did for what starts again until another service's health check has looked."
            " 0.0: it ends with a process or with the engine's event. `unknown`: nothing tells when."
        ),
    )


def _after(wait: Wait) -> str:
    if wait.after is None:
        return "unknown"
    return f"at most {seconds(wait.after.median)}" if wait.at_most else seconds(wait.after.median)


def _traced_run(runs: Sequence[Measured], trace: RunResult | None) -> str:
    found = (one.place for one in runs if trace and one.result and one.result.run == trace.run)
    return next((f"place {place}" for place in found), "one run")


def _largest(measured: Set, cell: Cell, runs: Sequence[Measured]) -> Iterator[str]:
    total = attribution.totals(runs).median
    return attribution.largest(attribution.saving_bounds(runs, measured.trace(cell)), total=total)


def _levers(measured: Set, cell: Cell, runs: Sequence[Measured]) -> Table:
    total, trace = attribution.totals(runs).median, measured.trace(cell)
    bounds = attribution.saving_bounds(runs, trace)
    rows = tuple(
        (_name(one.saving), one.saving.idea, seconds(one.times.median), interval(one.times),
         share(one.times.median / total), _what_if(one))
        for one in bounds
    )  # fmt: skip
    named = {one.saving.name for one in bounds}
    idle = ", ".join(saving.name for saving in SAVINGS if saving.name not in named)
    return Table(
        title=f"{_of(cell, runs)}: the most that each lever could save",
        head=("lever", "idea", "at most", "interval", "of the run", f"what-if, {_traced_run(runs, trace)}"),
        rows=rows,
        words=frozenset({0, 1, 3}),
        note=(
            "`at most` sums what the lever touches on the critical path; `what-if` takes it out of one run's"
            " tree of spans, where a chain beside it may come to the fore: so much of what it touches on that"
            " run's own path. Bounds overlap: they don't add up."
            f" Without a row: {_unbounded()}.{f' Nothing here is touched by {idle}.' if idle else ''}"
        ),
    )


def _unbounded() -> str:
    return "; ".join(f"{names} ({why})" for names, why in UNBOUNDED.items())


def _name(saving: Saving) -> str:
    return saving.name if saving.built else f"{saving.name} (not built)"


def _what_if(one: attribution.SavingBound) -> str:
    traced = one.traced
    return f"{seconds(traced.what_if)} of {seconds(traced.on_path)}" if traced else "-"


def _pressed(measured: Set, cell: Cell, runs: Sequence[Measured]) -> Table:
    rows = tuple(
        (one.phase, seconds(one.seconds), share(one.cpu), share(one.cpu_pressure), share(one.io_pressure),
         share(one.memory_pressure), one.bound)
        for one in attribution.pressed(runs, cpus=measured.facts.asked.cpus)[:LONGEST]
    )  # fmt: skip
    return Table(
        title=f"{cell}: what each phase was short of",
        head=("phase", "mean s", "CPU used", "CPU pressure", "I/O pressure", "memory pressure", "bound by"),
        rows=rows,
        words=frozenset({0, 6}),
        note=(
            "CPU used: by the stack and the engine, of the node's CPUs; suite and browser are not in it."
            " Pressure: share of the time in which some task of the machine stood still for it (PSI)."
            " Bound by the greatest pressure if it is"
            f" {attribution.PRESSED:.0%} or more, by the CPU if {attribution.BUSY:.0%} of it is used, by the"
            " network while images are pulled, else waiting."
        ),
    )
