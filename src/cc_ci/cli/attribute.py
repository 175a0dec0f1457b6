"""`cc-ci attribute`: where the time of measured runs went."""

from pathlib import Path

import click

from cc_ci.cli.told_tables import tell_tables


@click.command()
@click.argument("folder", required=False, metavar="[SET|RUN]", type=click.Path(path_type=Path))
@click.option("--recipe", help="Only this recipe's runs.")
@click.option("--baselines", type=click.Path(path_type=Path), default=Path("baselines"), show_default=True,
              help="Where sets are kept; the newest set is used.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON: every value, median and interval.")
def attribute(folder: Path | None, *, recipe: str | None, baselines: Path, as_json: bool) -> None:
    """Show where the time of SET, a folder of `cc-ci baseline`, went: phases, waits and levers.

    Of RUN, a run's id or results.json, it shows what the run waited for, as `cc-ci show` does.
    """
    from cc_ci.cli.told_json import tell_json
    from cc_ci.errors import UsageError
    from cc_ci.perf.analysis import attribution
    from cc_ci.perf.baselines.measured_set import newest, read
    from cc_ci.perf.documents.attribution import attribution_tables
    from cc_ci.perf.documents.values import attribution_values

    if folder is not None and not folder.is_dir():
        _tell_run(str(folder), as_json=as_json)
        return
    measured = read(folder or newest(baselines))
    click.echo(f"of {measured.folder}", err=True)
    cells = [(cell, runs) for cell, runs in measured.deployed if recipe in (None, cell.recipe)]
    if not cells:
        there_are = ", ".join(sorted({cell.recipe for cell, _ in measured.deployed})) or "none"
        lacking = measured.facts.lacking.get(recipe or "")
        why = f" (images unreachable: {', '.join(lacking)})" if lacking else ""
        raise UsageError(
            f"{measured.folder}: no runs of {recipe or 'any recipe'}{why}; there are {there_are}"
        )
    if as_json:
        rows = [attribution_values(measured, cell, runs) for cell, runs in cells]
        tell_json("attribution", cells=rows)
        return
    for cell, runs in cells:
        click.echo(attribution.opening(str(cell), runs))
    tell_tables(
        table for table in attribution_tables(measured)
        if recipe is None or table.title.startswith((f"{recipe} ", f"{recipe}:"))
    )  # fmt: skip


def _tell_run(name: str, *, as_json: bool) -> None:
    from cc_ci.cli.chosen_run import chosen_run
    from cc_ci.cli.told_json import tell_json
    from cc_ci.report.waiting import wait_causes

    result = chosen_run(name)
    causes = wait_causes(result)
    if as_json:
        tell_json("waiting", run=result.run, causes=causes)
        return
    click.echo(f"{result.run}: {result.total_seconds:.0f} s")
    for cause in causes:
        click.echo(f"waited: {cause}")
