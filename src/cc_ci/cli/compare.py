"""`cc-ci compare`: two runs, or two sets of runs, in words and numbers."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cc_ci.perf.analysis.comparison import Comparison, PhaseChange, Side
    from cc_ci.perf.analysis.statistics import Ratio
    from cc_ci.results.measured import Cell, Measured

LONGEST = 15


@click.command()
@click.argument("a", metavar="[A", required=False)
@click.argument("b", metavar="B]", required=False)
@click.option(
    "--covariate",
    "exponent",
    type=click.FloatRange(0, 1),
    metavar="POWER",
    help="Also tell the"
    " ratio at one speed of the host, by the canary to this power, fixed before from equal runs;"
    " `cc-ci perf aa` says it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def compare(a: str | None, b: str | None, *, exponent: float | None, as_json: bool) -> None:
    """Say what changed from A to B, by how much, and whether that is more than noise.

    Without A and B: the last green run of the same kind, and the latest run. With A alone: A and the latest.

    A and B are each a run (its id, the beginning of one, `latest`, or a results.json), a set that `cc-ci
    baseline` made (its folder), or one cell of a set (FOLDER:RECIPE-CACHE, such as baselines/X:n8n-warm).
    Two sets are compared cell by cell. Exits with 1 if a run, a stage or a test was green and no longer is.
    """
    import msgspec

    from cc_ci.cli.told_json import tell_json
    from cc_ci.perf.analysis.comparison import compare as hold

    if a is None:
        a, b = _newest()
    sides = list(_sides(a, b or "latest"))
    found = [hold(ours, theirs, paired=paired) for ours, theirs, paired in sides]
    adjusted = [] if exponent is None else _at_one_speed(sides, exponent)
    if as_json:
        rows: list[dict[str, Any]] = [
            {"a": one.a.label, "b": one.b.label, "paired": one.paired, "setting": one.setting,
             "ratio": one.ratio, "phases": one.phases,
             "outcomes": [{**msgspec.structs.asdict(seen), "lost": seen.lost} for seen in one.outcomes]}
            for one in found
        ]  # fmt: skip
        for row, ratio in zip(rows, adjusted, strict=False):
            row["at_one_speed"] = {"exponent": exponent, "ratio": ratio}
        tell_json("comparison", comparisons=rows)
    else:
        for one in found:
            _tell(one)
        for one, ratio in zip(found, adjusted, strict=False):
            _tell_at_one_speed(one, ratio, exponent)
    if any(outcome.lost for one in found for outcome in one.outcomes):
        sys.exit(1)


def _sides(a: str, b: str) -> "Iterator[tuple[Side, Side, bool]]":
    from cc_ci.errors import UsageError
    from cc_ci.perf.analysis.comparison import alternate

    ours, theirs = _cells(a), _cells(b)
    if ours is None and theirs is None:
        yield _one(a), _one(b), False
        return
    if ours is None or theirs is None:
        cells = ours if ours is not None else theirs or {}
        if len(cells) != 1:
            there_are = ", ".join("-".join(cell.words) for cell in cells)
            raise UsageError(f"{a} and {b}: a run and a set; name one cell of it, SET:CELL, of {there_are}")
        side = next(iter(cells.values()))
        yield (side, _one(b), False) if theirs is None else (_one(a), side, False)
        return
    if len(ours) == len(theirs) == 1:
        one, other = next(iter(ours.values())), next(iter(theirs.values()))
        same_set = a.partition(":")[0] == b.partition(":")[0]
        yield one, other, same_set and alternate(one, other)
        return
    common = [cell for cell in ours if cell in theirs]
    if not common:
        raise UsageError(f"{a} and {b}: no cell is in both")
    for cell in sorted(ours.keys() ^ theirs.keys()):
        click.echo(f"{cell}: only in {a if cell in ours else b}", err=True)
    for cell in common:
        yield ours[cell], theirs[cell], False


def _at_one_speed(sides: "Sequence[tuple[Side, Side, bool]]", exponent: float) -> "list[Ratio | None]":
    """The ratios, corrected as if the host had kept one speed."""
    from cc_ci.perf.analysis.comparison import compare as hold
    from cc_ci.perf.analysis.host_speed import at_one_speed

    found = []
    for ours, theirs, paired in sides:
        one, other = at_one_speed(ours, theirs, exponent=exponent)
        found.append(hold(one, other, paired=paired).ratio)
    return found


def _tell_at_one_speed(found: "Comparison", ratio: "Ratio | None", exponent: float | None) -> None:
    if ratio is None:
        told = "too few runs"
    elif ratio.low is None or ratio.high is None:
        told = f"B takes {ratio.estimate:.3f} times as long as A; too few runs for an interval"
    else:
        told = f"B takes {ratio.estimate:.3f} times as long as A ({ratio.low:.3f} to {ratio.high:.3f})"
    click.echo(f"at one speed of the host (canary to the power {exponent:g}), {found.b.label}: {told}")


def _newest() -> tuple[str, str]:
    """The last green run of the latest one's kind, and the latest one."""
    from cc_ci.errors import UsageError
    from cc_ci.results.listing import latest_and_green
    from cc_ci.results.store import Store

    found = latest_and_green(Store())
    if found is None:
        raise UsageError(
            "compare: no green run of the latest one's kind (recipe, variant, profile, cache, node, stages) "
            "came before it; name two runs, `cc-ci runs` lists them"
        )
    latest, green = found
    return green.run, latest.run


def _one(name: str) -> "Side":
    from cc_ci.cli.chosen_run import chosen_run
    from cc_ci.perf.analysis.comparison import RunSample, Side
    from cc_ci.results.measured import parts

    result = chosen_run(name)
    if result.exit_code != 0:
        return Side(label=result.run, samples=(), red=(result,))
    return Side(label=result.run, samples=(RunSample(result=result, parts=parts(result)),))


def _cells(name: str) -> "dict[Cell, Side] | None":
    """The cells of a set that have a run that is not void; None if this is not a set."""
    from cc_ci.errors import UsageError
    from cc_ci.perf.analysis.comparison import RunSample, Side
    from cc_ci.perf.analysis.host_speed import host_seconds
    from cc_ci.perf.analysis.settings import OR
    from cc_ci.results.measured import RUNS, read_set

    folder, _, wanted = name.partition(":")
    if not (Path(folder) / RUNS).is_dir():
        return None
    measured = read_set(Path(folder))
    seen: dict[Cell, list[Measured]] = {}
    for one in measured:
        if one.void is None and one.result and wanted in ("", "-".join(one.cell.words)):
            seen.setdefault(one.cell, []).append(one)
    sides = {
        cell: Side(
            label=f"{folder}:{'-'.join(cell.words)}",
            samples=tuple(RunSample(result=one.result, parts=one.parts, place=one.place,
                                    host=host_seconds(one)) for one in runs if one.result and one.counts),
            red=tuple(one.result for one in runs if one.result and not one.counts),
            code=OR.join(sorted({one.code or "unknown" for one in runs})),
            boots=OR.join(sorted({one.boot or "unknown" for one in runs})),
        )
        for cell, runs in sorted(seen.items())
    }  # fmt: skip
    if not sides:
        there_are = ", ".join(sorted({"-".join(one.cell.words) for one in measured if one.counts})) or "none"
        raise UsageError(f"{name}: no runs of it that are not void; of {folder} there are {there_are}")
    return sides


def _tell(found: "Comparison") -> None:
    from cc_ci.perf.analysis.comparison import in_words
    from cc_ci.perf.documents.tables import seconds
    from cc_ci.report.tables import console, plain_table

    out = console(sys.stdout)
    out.print(f"A: {found.a.label}\nB: {found.b.label}")
    for line in found.setting:
        out.print(f"not the same: {line}", style="yellow")
    out.print(in_words(found), style="bold")
    rows = [
        (str(one.where), seconds(one.a), seconds(one.b), f"{one.b - one.a:+.1f}", _interval(one), one.noise)
        for one in found.phases[:LONGEST]
    ]
    head = ("phase", "A, s", "B, s", "B - A", "interval of the shift", "")
    if rows:
        out.print(plain_table(head, rows, words={0, 4, 5}))
    for one in found.outcomes:
        told = f"{one.name}: {one.a or 'not there'} in A, {one.b or 'not there'} in B"
        out.print(told, style="red" if one.lost else "")
    if any(one.shift and one.shift.low is not None for one in found.phases):
        out.print("intervals are each phase's own; the last word is Holm's over all of them")
    if not found.outcomes:
        out.print("outcomes: the same, of runs, stages and tests")
    out.print()


def _interval(one: "PhaseChange") -> str:
    shift = one.shift
    return "-" if shift is None or shift.low is None else f"{shift.low:+.1f} to {shift.high:+.1f}"
