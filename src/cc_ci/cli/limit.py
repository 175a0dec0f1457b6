"""`cc-ci limit`: the least that a run could take, measured in pairs with ordinary runs."""

from pathlib import Path
from typing import Any

import click

from cc_ci.cli.arm_flags import arm_asked, arm_options
from cc_ci.cli.question import measuring_options, on_engines, question
from cc_ci.cli.told_tables import tell_tables


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
              help="cold: remove the recipe's images before each run; warm: leave them.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
@arm_options
@measuring_options(out="limits")
def limit(
    *,
    recipes: tuple[str, ...],
    pairs: int,
    cache: str,
    profile: str | None,
    lever: tuple[str, ...],
    engine: str | None,
    node: str,
    out: Path,
    new: bool,
    mix_code: bool,
    as_json: bool,
    **reference: Any,
) -> None:
    """Measure RECIPE on plain containers and as it is deployed, in pairs, and explain the difference.

    Each pair takes as long as both runs, and needs root. Ctrl-C stops it; rerun the command to resume. Don't
    use the machine for anything else meanwhile. Exits with 3 if a limit is above its run, and with 5 if some
    runs were void and have to be repeated.
    """
    from cc_ci.cli.story import story
    from cc_ci.cli.told_json import tell_json
    from cc_ci.levers.arms import LIMIT_PROFILE
    from cc_ci.perf.analysis.pairs import findings, require_sound
    from cc_ci.perf.baselines.measured_set import read
    from cc_ci.perf.documents.limit import limit_tables
    from cc_ci.perf.documents.values import limit_values
    from cc_ci.perf.measuring.campaign import campaign
    from cc_ci.perf.measuring.lock import measuring

    asked = question(
        recipes=recipes,
        cold=pairs if cache == "cold" else 0,
        warm=pairs if cache == "warm" else 0,
        arms=(LIMIT_PROFILE, arm_asked(profile, lever)),
        **reference,
    )
    with story() as tell, measuring():
        asked = on_engines(asked, [engine], tell=tell)
        folder, missing = campaign(asked, node=node, root=out, new=new, mix_code=mix_code, tell=tell)
    found = findings(read(folder))
    if as_json:
        tell_json("limits", limits=limit_values(found))
    else:
        tell_tables(limit_tables(found))
    require_sound(found)
    if missing:
        raise click.exceptions.Exit(5)
