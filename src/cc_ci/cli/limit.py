"""`cc-ci limit`: the least that a run could take, measured beside runs as they are."""

import sys
from pathlib import Path

import click


@click.command()
@click.argument("recipes", nargs=-1, required=True, metavar="RECIPE...")
@click.option(
    "--pairs",
    default=6,
    type=click.IntRange(min=1),
    show_default=True,
    help="Runs of each kind: plain, deployed, deployed, plain, and so on.",
)
@click.option("--cache", type=click.Choice(["cold", "warm"]), default="warm", show_default=True,
              help="Whether the recipe's images are removed before each run, or there.")  # fmt: skip
@click.option("--cpus", default=2.0, show_default=True, help="The node's CPUs.")
@click.option("--memory", default="6g", show_default=True, help="The node's memory, page cache included.")
@click.option("--bandwidth", default="100mbit", show_default=True, help="The link to the registry.")
@click.option("--node", default="reference", show_default=True, help="The private node to use; it is made.")
@click.option("--out", default=Path("limits"), show_default=True, help="Where sets are kept.",
              type=click.Path(path_type=Path, file_okay=False))  # fmt: skip
@click.option("--new", is_flag=True, help="Begin a new set, though one with the same question lacks runs.")
def limit(
    *,
    recipes: tuple[str, ...],
    pairs: int,
    cache: str,
    cpus: float,
    memory: str,
    bandwidth: str,
    node: str,
    out: Path,
    new: bool,
) -> None:
    """Measure RECIPE on plain containers and as it is deployed, in pairs; say what lies between.

    Each pair takes as long as both runs, as root: Ctrl-C ends it, the same command goes on where it was.
    Nothing else should use the machine. Exits 3 where a limit is above its run, 5 while runs are missing that
    did not come to count.
    """
    from cc_ci.cli.story import story
    from cc_ci.perf.analysis.pairs import findings, require_sound
    from cc_ci.perf.baselines.measured_set import read
    from cc_ci.perf.baselines.sets import Asked
    from cc_ci.perf.documents.limit import limit_tables
    from cc_ci.perf.measuring.campaign import campaign
    from cc_ci.perf.measuring.lock import measuring
    from cc_ci.report.tables import console, plain_table
    from cc_ci.system.settings import size_bytes

    asked = Asked(
        recipes=recipes,
        cold=pairs if cache == "cold" else 0,
        warm=pairs if cache == "warm" else 0,
        cpus=cpus,
        memory_bytes=size_bytes(memory),
        bandwidth=bandwidth,
        profiles=("bare", "stock"),
    )
    with story() as tell, measuring():
        folder, missing = campaign(asked, node=node, root=out, new=new, tell=tell)
    found = findings(read(folder))
    out_console = console(sys.stdout)
    for table in limit_tables(found):
        out_console.print(f"\n{table.title}", style="bold")
        out_console.print(plain_table(table.head, table.rows, words=table.words))
    require_sound(found)
    if missing:
        raise click.exceptions.Exit(5)
