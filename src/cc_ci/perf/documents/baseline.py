"""docs/perf/baseline.md: how long runs take."""

import shlex
from collections.abc import Iterator, Sequence

from cc_ci.levers.arms import arm_flags, is_limit
from cc_ci.perf.analysis import attribution
from cc_ci.perf.analysis.attribution import Times
from cc_ci.perf.analysis.pairs import findings
from cc_ci.perf.analysis.statistics import hodges_lehmann_unpaired
from cc_ci.perf.baselines import reference
from cc_ci.perf.baselines.measured_set import Set
from cc_ci.perf.documents.machines import machines_table
from cc_ci.perf.documents.tables import Table, markdown, seconds
from cc_ci.perf.documents.usage import usage_table
from cc_ci.perf.documents.wording import interval, joined, made_from
from cc_ci.results.measured import Cell, Measured
from cc_ci.system.settings import size_bytes

SUBSTITUTE = "matrix-synapse"
"""Measured in the place of an SSO-dependent recipe whose images can't be reached."""
LOOKS = "health.interval"


def baseline(measured: Set, again: Sequence[Set] = ()) -> str:
    """How long runs take; `again` are sets that repeated some of it, the oldest first."""
    parts = ["# Baseline: how long a run takes", made_from(measured), measured.note("baseline.md")]
    parts += [markdown(table) for table in baseline_tables(measured, again)]
    return joined(parts)


def baseline_tables(measured: Set, again: Sequence[Set] = ()) -> Iterator[Table]:
    yield whole_runs(measured)
    yield _raw(measured)
    yield _by_cell(measured, "Stages", "stage", attribution.by_stage)
    yield _by_cell(measured, "Phases, on the critical path", "phase", attribution.by_phase)
    yield usage_table(measured)
    yield _not_counted(measured)
    yield machines_table(measured)
    yield _to_repeat(measured, again)


def whole_runs(measured: Set) -> Table:
    """Each cell that was asked for: how many runs it has, and how long they took."""
    return Table(
        title="Whole runs",
        head=(
            "cell",
            "n",
            "of",
            "median",
            "quartiles",
            "interval of the median",
            "least",
            "most",
            "filled by",
        ),
        rows=tuple(_whole_run(measured, cell) for cell in measured.cells),
        words=frozenset({0, 4, 5, 8}),
        note=_unreachable(measured),
    )


def _whole_run(measured: Set, cell: Cell) -> tuple[str, ...]:
    asked = measured.facts.asked
    wanted = str(getattr(asked, cell.cache) * max(1, asked.arms.count(cell.arm)))
    runs = measured.runs(cell)
    if not runs:
        lacking = cell.recipe in measured.facts.lacking
        why = "not measured: images unreachable" if lacking else "not measured yet"
        return (str(cell), "0", wanted, "-", why, "-", "-", "-", _command(measured))
    times = attribution.totals(runs)
    spread = f"{seconds(times.spread.low)} to {seconds(times.spread.high)}"
    least, most = min(times.values), max(times.values)
    filled_by = _command(measured) if len(runs) < int(wanted) else ""
    return (str(cell), str(len(runs)), wanted, seconds(times.median), spread, interval(times),
            seconds(least), seconds(most), filled_by)  # fmt: skip


def _command(measured: Set) -> str:
    """What takes the whole set up again: it has to ask the same question."""
    asked = measured.facts.asked
    node = "".join(
        f" --{flag} {told}"
        for flag, told, usual in (
            ("cpus", asked.cpus, reference.CPUS),
            ("memory", asked.memory_bytes, size_bytes(reference.MEMORY)),
            ("bandwidth", asked.bandwidth, reference.BANDWIDTH),
            ("images", asked.images, reference.IMAGES),
        )
        if told != usual
    )
    if len(asked.engines) > 1:
        names = ",".join(asked.engines)
        runs = f"--runs {asked.cold or asked.warm} --cache {'cold' if asked.cold else 'warm'}"
        return f"`cc-ci engine measure --engines {names} --recipes {','.join(asked.recipes)} {runs}{node}`"
    node += f" --engine {asked.engines[0]}"
    if any(map(is_limit, asked.arms)):
        cache, pairs = ("cold", asked.cold) if asked.cold else ("warm", asked.warm)
        return f"`cc-ci limit {' '.join(asked.recipes)} --pairs {pairs} --cache {cache}{node}`"
    arm = arm_flags(asked.arms[0])
    others = [other for other in asked.arms[1:] if other != asked.arms[0]]
    arm += "".join(f" --against {shlex.quote(other)}" for other in others)
    arm += " --twice" if len(asked.arms) > len(others) + 1 else ""
    words = f"--recipes {','.join(asked.recipes)} --cold {asked.cold} --warm {asked.warm}{arm}{node}"
    return f"`cc-ci baseline {words}{'' if asked.beside else ' --no-limit'}`"


def _unreachable(measured: Set) -> str:
    found = measured.facts.lacking
    if not found:
        return ""
    named = "; ".join(f"{recipe} needs {', '.join(images)}" for recipe, images in found.items())
    return (
        f"Not measured: no registry within reach has the images ({named}). Once `cc-ci images load FILE` has"
        f" brought them, the command takes the set up and adds them. {SUBSTITUTE} stands for the recipes that"
        " depend on SSO."
    )


def _raw(measured: Set) -> Table:
    rows = tuple(
        (str(cell), " ".join(seconds(value) for value in attribution.totals(runs).values))
        for cell, runs in measured.filled
    )
    return Table(title="Every value, in the order measured", head=("cell", "seconds"), rows=rows,
                 words=frozenset({0, 1}))  # fmt: skip


def _by_cell(measured: Set, title: str, of: str, rows_of: attribution.RowsOf) -> Table:
    """One column per cell, one row per stage or phase: medians, and the quartiles below them."""
    columns = [{row.name: row.times for row in rows_of(runs)} for _, runs in measured.deployed]
    names = dict.fromkeys(name for column in columns for name in column)
    rows = tuple((name, *(_median_and_spread(column.get(name)) for column in columns)) for name in names)
    return Table(title=title, head=(of, *(f"{cell} (n = {len(runs)})" for cell, runs in measured.deployed)),
                 rows=rows, note="Median (quartiles), seconds.")  # fmt: skip


def _median_and_spread(times: Times | None) -> str:
    if times is None:
        return "-"
    return f"{seconds(times.median)} ({seconds(times.spread.low)}-{seconds(times.spread.high)})"


def _not_counted(measured: Set) -> Table:
    rows = tuple((one.name, one.void or _red(one)) for one in measured.measured if not one.counts)
    return Table(
        title="Runs that don't count",
        head=("run", "rule, or verdict"),
        rows=rows or (("none", "-"),),
        words=frozenset({0, 1}),
        note=(
            "Void by a rule that was fixed before (docs/decisions/0014), or not green; each is repeated at"
            " its place."
        ),
    )


def _red(one: Measured) -> str:
    return f"{one.result.verdict}: {'; '.join(one.result.because)}" if one.result else "no result"


def _to_repeat(measured: Set, again: Sequence[Set]) -> Table:
    """Numbers of the quickest recipe, so that anybody can have them again within half an hour."""
    medians = {cell: attribution.totals(runs).median for cell, runs in measured.deployed}
    recipe = min(medians, key=lambda cell: medians[cell]).recipe if medians else "-"
    who = "".join(_who(one, recipe) for one in again)
    return Table(
        title="Numbers to repeat",
        head=("number", "here", "again", "command"),
        rows=tuple(_repeated(measured, again, recipe)),
        words=frozenset({0, 3}),
        note=(
            f"{who}On another machine the seconds are others; the phases' shares, T / L, and"
            " what is longest should be near. SET is the folder that a command makes below again/."
        ),
    )


def _who(again: Set, recipe: str) -> str:
    """Where a set that repeated something of the recipe is, how many runs it has, and what measured it."""
    n = {cell.cache: len(runs) for cell, runs in again.deployed if cell.recipe == recipe}
    many = " and ".join(f"n = {runs} {cache}" for cache, runs in n.items())
    return f"Again: {'/'.join(again.folder.parts[-3:])}, {many}, by {_command(again)}. " if n else ""


def _repeated(measured: Set, again: Sequence[Set], recipe: str) -> Iterator[tuple[str, str, str, str]]:
    """Each number, as it is here, as it was again (the newest time), and what measures it."""
    found = {name: value for one in again for name, value, _ in _numbers(one, recipe)}
    for name, value, command in _numbers(measured, recipe):
        yield name, value, found.get(name, "-"), command
    warm = Cell(recipe=recipe, cache="warm")
    if runs := measured.runs(warm):
        here = f"{measured.folder.parent.name}/{measured.folder.name}:{recipe}-warm"
        others = [repeated for one in again if (repeated := one.runs(warm))]
        near = _times_as_long(runs, others[-1]) if others else "-"
        yield f"times as long, {warm}", "1", near, f"`cc-ci compare {here} again/SET:{recipe}-warm`"


def _times_as_long(runs: Sequence[Measured], others: Sequence[Measured]) -> str:
    ratio = hodges_lehmann_unpaired(attribution.totals(runs).values, attribution.totals(others).values)
    if ratio.low is None or ratio.high is None:
        return f"{ratio.estimate:.2f} (n too small)"
    return f"{ratio.estimate:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"


def _numbers(measured: Set, recipe: str) -> Iterator[tuple[str, str, str]]:
    engine = f"--engine {measured.facts.asked.engines[0]}"
    again = f"cc-ci baseline --recipes {recipe} --no-limit --out again {engine}"
    warm = measured.runs(Cell(recipe=recipe, cache="warm"))
    cold = measured.runs(Cell(recipe=recipe, cache="cold"))
    if warm:
        yield f"s, {recipe} warm", _median(warm), f"`{again} --cold 0 --warm 3`"
    if cold:
        yield f"s, {recipe} cold", _median(cold), f"`{again} --cold 3 --warm 0`"
    for bound in attribution.saving_bounds(warm, None):
        if bound.saving.name == LOOKS:
            name = f"s, {recipe} warm, {LOOKS}, column `at most`"
            yield name, seconds(bound.times.median), f"`cc-ci attribute again/SET --recipe {recipe}`"
    for found in findings(measured):
        if (found.recipe, found.cache) == (recipe, "warm"):
            for name, median in (("L", found.limit), ("floor", found.floor)):
                if median is not None:
                    yield (
                        f"s, {recipe} warm, column {name}",
                        seconds(median),
                        f"`cc-ci limit {recipe} --pairs 3 --out again {engine}`",
                    )


def _median(runs: Sequence[Measured]) -> str:
    return seconds(attribution.totals(runs).median)
