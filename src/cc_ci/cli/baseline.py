"""`cc-ci baseline`: how long runs take, measured so that it can be trusted and taken up again."""

from pathlib import Path

import click

RECIPES = "custom-html,n8n,keycloak,matrix-synapse,lasuite-docs"
NODE = "reference"
COUNT = click.IntRange(min=0)


@click.command()
@click.option("--recipes", default=RECIPES, show_default=True, help="What to measure, by name.")
@click.option(
    "--cold", default=6, type=COUNT, show_default=True, help="Runs of each on a node without its images."
)
@click.option(
    "--warm", default=8, type=COUNT, show_default=True, help="Runs of each on a node that has them."
)
@click.option("--profile", default="stock", show_default=True, help="A set of lever values.")
@click.option("--cpus", default=2.0, show_default=True, help="The node's CPUs.")
@click.option("--memory", default="6g", show_default=True, help="The node's memory, page cache included.")
@click.option("--bandwidth", default="100mbit", show_default=True, help="The link to the registry.")
@click.option("--node", default=NODE, show_default=True, help="The private node to use; it is made.")
@click.option(
    "--out",
    default=Path("baselines"),
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where sets are kept.",
)
@click.option("--no-limit", is_flag=True, help="Leave out the run on plain containers beside each warm one.")
@click.option("--new", is_flag=True, help="Begin a new set, though one with the same question lacks runs.")
def baseline(
    *,
    recipes: str,
    cold: int,
    warm: int,
    profile: str,
    cpus: float,
    memory: str,
    bandwidth: str,
    node: str,
    out: Path,
    no_limit: bool,
    new: bool,
) -> None:
    """Measure RECIPES again and again, cold and warm, interleaved; one that was interrupted is taken up.

    Hours of work, as root: Ctrl-C ends it, the same command goes on where it was. Nothing else should use the
    machine. Exits 5 while runs are missing that did not come to count.
    """
    from cc_ci.cli.story import story
    from cc_ci.perf.baselines.sets import BARE, Asked
    from cc_ci.perf.measuring.campaign import campaign
    from cc_ci.perf.measuring.lock import measuring
    from cc_ci.system.settings import size_bytes

    asked = Asked(
        recipes=tuple(name.strip() for name in recipes.split(",")),
        cold=cold,
        warm=warm,
        cpus=cpus,
        memory_bytes=size_bytes(memory),
        bandwidth=bandwidth,
        profiles=(profile,),
        beside=None if no_limit else BARE,
    )
    with story() as tell, measuring():
        folder, missing = campaign(asked, node=node, root=out, new=new, tell=tell)
        tell(f"`cc-ci attribute {folder}` shows it, `cc-ci report {folder}` draws it")
    if missing:
        raise click.exceptions.Exit(5)
