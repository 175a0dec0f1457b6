"""`cc-ci runs`: which runs there are."""

import re
import sys
import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cc_ci.results.listing import RunLine

LIMIT = 20
UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
VERDICTS = ("green", "failed", "errored", "unverified", "contaminated", "interrupted", "usage", "running")


@click.command()
@click.argument("recipe", required=False)
@click.option("--verdict", type=click.Choice(VERDICTS), help="Only runs that ended so, or that go on.")
@click.option("--profile", metavar="NAME", help="Only runs of this profile.")
@click.option("--since", metavar="WHEN", help="Only runs begun since: 30m, 12h, 7d, or a date as 2026-11-25.")
@click.option("--limit", type=click.IntRange(min=1), default=LIMIT, help="So many at most, the newest.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def runs(
    recipe: str | None,
    *,
    verdict: str | None,
    profile: str | None,
    since: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List the runs that are kept, the newest first, of all recipes or of RECIPE."""
    import itertools

    from cc_ci.cli.told_json import tell_json
    from cc_ci.results.listing import run_lines
    from cc_ci.results.store import Store
    from cc_ci.system.suggesting import unknown

    lines = tuple(run_lines(Store()))
    names = sorted({line.recipe.name for line in lines})
    if recipe is not None and recipe not in names:
        raise unknown("recipe", recipe, names, mend="these have runs")
    begun = _epoch(since) if since else 0.0
    found = tuple(
        itertools.islice(
            (line for line in lines if _fits(line, recipe, verdict, profile) and line.started_at >= begun),
            limit,
        )
    )
    if as_json:
        tell_json("runs", runs=[_row(line) for line in found])
    elif found:
        _tell(found)
    else:
        click.echo("no such runs; `cc-ci run RECIPE` makes one", err=True)


def _fits(line: "RunLine", recipe: str | None, verdict: str | None, profile: str | None) -> bool:
    return (
        recipe in (None, line.recipe.name)
        and verdict in (None, _verdict(line))
        and profile in (None, line.arm_text.partition(" ")[0])
    )


def _verdict(line: "RunLine") -> str:
    return line.verdict or line.state


def _row(line: "RunLine") -> dict[str, object]:
    return {
        "run": line.run,
        "started_at": line.started_at,
        "recipe": line.recipe.name,
        "version_from": line.recipe.version_from,
        "version_to": line.recipe.version_to,
        "profile": line.arm_text,
        "verdict": line.verdict,
        "state": line.state,
        "exit_code": line.exit_code,
        "seconds": line.total_seconds,
    }


def _tell(lines: "tuple[RunLine, ...]") -> None:
    from rich.text import Text

    from cc_ci.report.fitting import Column, fitted_table
    from cc_ci.report.tables import COLOURS, console

    columns = (
        Column(name="run"),
        Column(name="date", rank=1),
        Column(name="recipe", rank=3),
        Column(name="versions", rank=4),
        Column(name="profile", rank=2),
        Column(name="verdict"),
        Column(name="seconds", number=True),
    )
    rows = [
        (
            line.run,
            date(line.started_at),
            line.recipe.name,
            line.versions,
            line.arm_text,
            Text(_verdict(line), style=COLOURS.get(_verdict(line), "red")),
            f"{line.total_seconds:.0f}",
        )
        for line in lines
    ]
    out = console(sys.stdout)
    out.print(fitted_table(columns, rows, width=out.width))


def date(epoch: float) -> str:
    """`2026-11-25 14:03`, as the machine's clock says."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(epoch))


def _epoch(since: str) -> float:
    """The moment that a date or an age means. Raises UsageError for anything else."""
    from cc_ci.errors import UsageError

    if age := re.fullmatch(r"(\d+)([mhdw])", since):
        return time.time() - int(age[1]) * UNITS[age[2]]
    try:
        return time.mktime(time.strptime(since, "%Y-%m-%d"))
    except (ValueError, OverflowError):
        raise UsageError(f"--since {since}: no date and no age; give 30m, 12h, 7d or 2026-11-25") from None
