"""`cc-ci show`: where the time of one run went, in the terminal."""

import sys
import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from cc_ci.results.schema import RunResult


@click.command()
@click.argument("run", default="latest")
@click.option("--chain", is_flag=True, help="Show the critical path in order, not the longest parts first.")
@click.option("--all", "all_", is_flag=True, help="Show every part, however short.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(run: str, *, chain: bool, all_: bool, as_json: bool) -> None:
    """Show why RUN is red, and what it waited for: the longest parts of the critical path first.

    RUN is a run's id, the beginning of one, `latest`, or a results.json.
    """
    from cc_ci.cli.chosen_run import chosen_run
    from cc_ci.cli.told_json import tell_json
    from cc_ci.report import blame
    from cc_ci.report.tables import console, why_red
    from cc_ci.report.waiting import wait_causes
    from cc_ci.timing.parts import parts_of

    result = chosen_run(run)
    shortest = 0.0 if all_ else blame.SHORTEST_LINK
    if as_json:
        parts = parts_of(blame.path_of(result), result.spans, result.resources)
        rows = blame.links(result, shortest=shortest) if chain else parts
        tell_json("chain" if chain else "waits", run=result.run, rows=rows)
        return
    took = f"{result.verdict or result.state} after {result.total_seconds:.1f} s"
    out = console(sys.stdout)
    out.print(f"{result.run}: {took}, profile {result.arm}", style="bold")
    for line in why_red(result):
        out.print(line)
    if result.state == "running":
        _tell_going_on(result, out)
        return
    if not result.spans:
        out.print("kept without its spans: no more than phases is known")
    for cause in wait_causes(result):
        out.print(f"waited: {cause}", soft_wrap=True)
    if chain:
        out.print(blame.chain(result, shortest=shortest))
    else:
        longest = None if all_ else blame.LONGEST
        out.print(blame.blame(result, longest=longest, width=out.width))


def _tell_going_on(result: "RunResult", out: "Console") -> None:
    """What is known by now of a run that goes on, or was killed: results are written after each stage."""
    from cc_ci.cli.runs import date
    from cc_ci.report.live import clock
    from cc_ci.report.tables import stages_table

    begun = clock(max(0.0, time.time() - result.started_at))
    written = clock(max(0.0, time.time() - result.started_at - result.total_seconds))
    out.print(f"begun {begun} ago, at {date(result.started_at)}; last written {written} ago")
    out.print(stages_table(result) if result.stages else "no stage is over yet")
