"""`cc-ci engine measure`: the same runs on several engines, to see what a newer one saves."""

from pathlib import Path
from typing import Any

import click

from cc_ci.cli.question import measuring_options, on_engines, question
from cc_ci.cli.told_tables import tell_tables

FEWEST = 2


@click.command()
@click.option("--engines", default="system,trixie,forky", show_default=True, help="As for `node up`; the"
              " first one is compared with each of the others.")  # fmt: skip
@click.option("--recipes", default="custom-html,n8n", show_default=True, help="The recipes' names.")
@click.option(
    "--runs", default=6, type=click.IntRange(min=1), show_default=True, help="Runs of each recipe and engine."
)
@click.option("--cache", type=click.Choice(["cold", "warm"]), default="warm", show_default=True,
              help="cold: remove the recipe's images before each run; warm: keep them.")  # fmt: skip
@measuring_options(out="benchmarks/engines", one_engine=False)
def measure(
    *,
    engines: str,
    recipes: str,
    runs: int,
    cache: str,
    node: str,
    out: Path,
    new: bool,
    mix_code: bool,
    **reference: Any,
) -> None:
    """Measure RECIPES on each of ENGINES, in rounds.

    This takes hours and needs root. Ctrl-C stops it; rerun the command to resume. Each engine has a node of
    its own, and one node is up at a time. Don't use the machine for anything else meanwhile. Exits with 5 if
    some runs were void and have to be repeated.
    """
    from cc_ci.cli.story import story
    from cc_ci.errors import UsageError
    from cc_ci.perf.baselines.measured_set import read
    from cc_ci.perf.documents.engines import engines_table
    from cc_ci.perf.measuring.campaign import campaign
    from cc_ci.perf.measuring.lock import measuring

    names = tuple(name.strip() for name in engines.split(","))
    if len(names) < FEWEST:
        raise UsageError(f"--engines {engines}: one engine can't be compared; `cc-ci baseline` measures it")
    asked = question(
        recipes=tuple(name.strip() for name in recipes.split(",")),
        cold=runs if cache == "cold" else 0,
        warm=runs if cache == "warm" else 0,
        **reference,
    )
    with story() as tell, measuring():
        asked = on_engines(asked, names, tell=tell)
        folder, missing = campaign(asked, node=node, root=out, new=new, mix_code=mix_code, tell=tell)
    tell_tables([engines_table(read(folder))])
    if missing:
        raise click.exceptions.Exit(5)
