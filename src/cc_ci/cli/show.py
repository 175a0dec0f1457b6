"""`cc-ci show`: where the time of one run went, in the terminal."""

import sys

import click


@click.command()
@click.argument("run", default="latest")
@click.option("--chain", is_flag=True, help="Show the critical path in order, not the longest parts first.")
@click.option("--all", "all_", is_flag=True, help="Show every part, however short.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(run: str, *, chain: bool, all_: bool, as_json: bool) -> None:
    """Show why RUN is red, and what it waited for: the longest parts of the critical path first.

    RUN is a run's id, the beginning of one, `latest`, or a results.json.
    """
    import msgspec

    from cc_ci.cli.chosen_run import chosen_run
    from cc_ci.report import blame
    from cc_ci.report.tables import console, why_red
    from cc_ci.timing.parts import parts_of

    result = chosen_run(run)
    shortest = 0.0 if all_ else blame.SHORTEST_LINK
    if as_json:
        parts = parts_of(blame.path_of(result), result.spans, result.resources)
        rows = blame.links(result, shortest=shortest) if chain else parts
        click.echo(msgspec.json.format(msgspec.json.encode(rows)))
        return
    took = f"{result.verdict or result.state} after {result.total_seconds:.1f} s"
    out = console(sys.stdout)
    out.print(f"{result.run}: {took}, profile {result.arm}", style="bold")
    for line in why_red(result):
        out.print(line)
    if not result.spans:
        out.print("kept without its spans: no more than phases is known")
    if chain:
        out.print(blame.chain(result, shortest=shortest))
    else:
        out.print(blame.blame(result, longest=None if all_ else blame.LONGEST))
