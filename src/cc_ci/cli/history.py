"""`cc-ci history`: how runs went over time."""

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from cc_ci.timing.phases import PHASES, UNATTRIBUTED

if TYPE_CHECKING:
    from cc_ci.perf.analysis.change_points import ChangePoint
    from cc_ci.results.history import Flake, History, Line, Point

BARS = "▁▂▃▄▅▆▇█"
SHOWN = 40
LONGEST = 6


@click.command()
@click.argument("recipe", required=False)
@click.option("--phase", type=click.Choice([*PHASES, UNATTRIBUTED]), metavar="PHASE",
              help="The trend of this phase, not of the longest ones.")  # fmt: skip
@click.option("--rebuild", is_flag=True, help="Rebuild the index; it forgets runs whose files are gone.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def history(recipe: str | None, *, phase: str | None, rebuild: bool, as_json: bool) -> None:
    """Show all recipes that ran, or RECIPE's trend: times, changes of level, flaky tests.

    It covers the runs of `cc-ci run`; `cc-ci compare` compares sets of `cc-ci baseline`. A change of level is
    shown with the host's pressure before and after, because a busy node is not a regression.
    """
    from cc_ci.errors import UsageError
    from cc_ci.results.history import History
    from cc_ci.results.store import Store

    with History(Store(), say=lambda line: click.echo(line, err=True)) as index:
        if rebuild:
            index.rebuild()
        else:
            index.refresh()
        lines = [one for one in index.summaries() if recipe in (None, one.line.recipe)]
        if not lines:
            raise UsageError(f"{recipe or 'history'}: no finished runs; `cc-ci run {recipe or 'RECIPE'}`")
        if as_json:
            _print_json(index, [one.line for one in lines], recipe=recipe, phase=phase)
        elif recipe is None:
            _tell_recipes(index)
        else:
            for one in lines:
                _tell_line(index, one.line, phase)
            _tell_flakes(index.flakes(recipe))


def _print_json(index: "History", lines: "Sequence[Line]", *, recipe: str | None, phase: str | None) -> None:
    import msgspec

    from cc_ci.cli.told_json import tell_json

    rows = []
    for line in lines:
        points = index.trend(line, phase=phase)
        changes = [
            {"from": points[one.index].run, "of_the_host": one.of_the_host,
             "cpu_pressure": _pressures(points, one), **msgspec.structs.asdict(one)}
            for one in _changes(points)
        ]  # fmt: skip
        rows.append({"line": line, "phase": phase, "points": points, "changes": changes})
    tell_json("history", trends=rows, flakes=index.flakes(recipe))


def _tell_recipes(index: "History") -> None:
    from statistics import median

    from cc_ci.cli.runs import date
    from cc_ci.perf.documents.tables import seconds
    from cc_ci.report.fitting import Column, fitted_table
    from cc_ci.report.tables import console

    rows = []
    for one in index.summaries():
        times = [point.seconds for point in index.trend(one.line)]
        middle, last = (seconds(median(times)), seconds(times[-1])) if times else ("-", "-")
        rows.append((str(one.line), str(one.runs), str(one.green), middle, last, sparkline(times),
                     one.last_verdict or "-", one.last_run, date(one.last_started)))  # fmt: skip
    columns = (
        Column(name="recipe, cache, arm", fold=True),
        *(Column(name=name, number=True, rank=rank) for name, rank in (("runs", 0), ("green", 3))),
        *(Column(name=name, number=True, rank=rank) for name, rank in (("median s", 2), ("last s", 1))),
        Column(name="green runs", rank=5),
        Column(name="last verdict"),
        Column(name="last run", rank=4),
        Column(name="date", rank=6),
    )
    out = console(sys.stdout)
    out.print(fitted_table(columns, rows, width=out.width))


def _tell_line(index: "History", line: "Line", phase: str | None) -> None:
    from cc_ci.perf.analysis.statistics import median
    from cc_ci.perf.documents.tables import seconds
    from cc_ci.report.tables import console, plain_table

    out = console(sys.stdout)
    out.print(str(line), style="bold")
    named = [phase] if phase else [None, *index.phases(line)[:LONGEST]]
    trends = [(name or "whole run", index.trend(line, phase=name)) for name in named]
    rows = [
        (name, str(len(points)), seconds(median(one.seconds for one in points)),
         seconds(points[-1].seconds), sparkline([one.seconds for one in points]))
        for name, points in trends if points
    ]  # fmt: skip
    if not rows:
        out.print("no green run yet\n")
        return
    out.print(plain_table(("phase", "runs", "median s", "last s", "over time"), rows, words={0, 4}))
    told = [words for name, points in trends for words in changes_in_words(name, points)]
    for words in told or ["no change of level"]:
        out.print(words)
    out.print()


def changes_in_words(name: str, points: "Sequence[Point]") -> Iterator[str]:
    """A line for each change of level in one phase, with the host's state before and after."""
    for change in _changes(points):
        before, after = _pressures(points, change)
        host = f"; CPU pressure {_share(before)} before, {_share(after)} after"
        if change.others:
            host += f", CPUs that others used {change.others[0]:.2f} and {change.others[1]:.2f}"
        host += ": the host's, not counted as a change" if change.of_the_host else ""
        yield f"{name}: {_by(change)} from {points[change.index].run} on{host}"


def _by(change: "ChangePoint") -> str:
    shift, ratio = change.shift, change.ratio
    way = "slower" if shift.estimate > 0 else "quicker"
    if ratio is None:
        return f"{way} by {abs(shift.estimate):.1f} s"
    bounds = f" ({ratio.low:.2f} to {ratio.high:.2f})" if ratio.low and ratio.high else ""
    return f"{way} by {abs(ratio.estimate - 1):.0%}{bounds}"


def _changes(points: "Sequence[Point]") -> "tuple[ChangePoint, ...]":
    from cc_ci.perf.analysis.change_points import change_points

    return change_points([one.seconds for one in points], [one.others_cpus for one in points])


def _pressures(points: "Sequence[Point]", change: "ChangePoint") -> tuple[float | None, float | None]:
    """The median CPU pressure before and after; None if it is unknown."""
    from cc_ci.perf.analysis.statistics import median

    before, after = (
        [one.cpu_pressure for one in side if one.cpu_pressure is not None]
        for side in (points[: change.index], points[change.index :])
    )
    return median(before) if before else None, median(after) if after else None


def _share(share: float | None) -> str:
    return "not known" if share is None else f"{share:.0%}"


def _tell_flakes(flakes: "Sequence[Flake]") -> None:
    from cc_ci.perf.analysis.statistics import proportion_interval
    from cc_ci.report.tables import console, plain_table

    rows = []
    for one in flakes:
        runs = one.green + one.red
        bounds = proportion_interval(one.red, runs)
        rate = f"{one.red / runs:.0%} ({bounds.low:.0%} to {bounds.high:.0%})"
        rows.append((one.test, one.version, one.arm, f"{one.red} of {runs}", rate))
    out = console(sys.stdout)
    if rows:
        out.print(
            plain_table(("flaking test", "version", "arm", "red", "rate (95 %)"), rows, words={0, 1, 2, 4})
        )
    else:
        out.print("no test was both green and red on the same recipe and suite")


def sparkline(values: Sequence[float]) -> str:
    """The last values as bars, scaled from the smallest to the largest."""
    shown = list(values)[-SHOWN:]
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    step = (high - low) / (len(BARS) - 1) or 1.0
    return "".join(BARS[round((value - low) / step)] for value in shown)
