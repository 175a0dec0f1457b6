"""`cc-ci attribute`: where the time of measured runs went."""

import sys
from pathlib import Path

import click


@click.command()
@click.argument("folder", required=False, metavar="[SET]", type=click.Path(path_type=Path, file_okay=False))
@click.option("--recipe", help="Only this recipe's.")
@click.option("--baselines", type=click.Path(path_type=Path), default=Path("baselines"), show_default=True,
              help="Where sets are kept; the newest is taken.")  # fmt: skip
def attribute(folder: Path | None, *, recipe: str | None, baselines: Path) -> None:
    """Say of SET, a folder of `cc-ci baseline`, which phases, waits and levers its time is made of."""
    from cc_ci.errors import UsageError
    from cc_ci.perf.analysis import attribution
    from cc_ci.perf.baselines.measured_set import newest, read
    from cc_ci.perf.documents.attribution import attribution_tables
    from cc_ci.report.tables import console, plain_table

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
    out = console(sys.stdout)
    for cell, runs in cells:
        out.print(attribution.opening(str(cell), runs))
    for table in attribution_tables(measured):
        if recipe is None or table.title.startswith((f"{recipe} ", f"{recipe}:")):
            out.print(f"\n{table.title}", style="bold")
            out.print(plain_table(table.head, table.rows, words=table.words))
