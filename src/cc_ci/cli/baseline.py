"""`cc-ci baseline`: measure how long runs take, in sets that can be trusted and resumed."""

from pathlib import Path
from typing import Any

import click

from cc_ci.cli.arm_flags import arm_asked, arm_options, arms_asked
from cc_ci.cli.question import measuring_options, on_engines, question
from cc_ci.cli.told_tables import tell_tables

RECIPES = "custom-html,n8n,keycloak,matrix-synapse,lasuite-docs"
COUNT = click.IntRange(min=0)


@click.command()
@click.option("--recipes", default=RECIPES, show_default=True, help="The names of the recipes to measure.")
@click.option(
    "--cold", default=6, type=COUNT, show_default=True, help="Runs of each on a node without its images."
)
@click.option(
    "--warm", default=8, type=COUNT, show_default=True, help="Runs of each on a node that has them."
)
@arm_options
@click.option(
    "--against",
    multiple=True,
    metavar="ARM",
    help="One more arm, side by side with it: a profile, such as peer, and levers as NAME=VALUE, in quotes.",
)
@click.option(
    "--twice",
    is_flag=True,
    help="Each run twice in a row, so that equal runs are held against each other; see `cc-ci perf aa`.",
)
@click.option("--no-limit", is_flag=True, help="Leave out the run on plain containers beside each warm one.")
@measuring_options(out="baselines")
def baseline(
    *,
    recipes: str,
    cold: int,
    warm: int,
    profile: str | None,
    lever: tuple[str, ...],
    against: tuple[str, ...],
    twice: bool,
    no_limit: bool,
    engine: str | None,
    node: str,
    out: Path,
    new: bool,
    mix_code: bool,
    **reference: Any,
) -> None:
    """Measure RECIPES again and again, cold and warm in turn.

    This takes hours and needs root. Ctrl-C stops it; rerun the command to resume. Don't use the machine for
    anything else meanwhile. Exits with 5 if some runs were void and have to be repeated.
    """
    from cc_ci.cli.story import story
    from cc_ci.errors import UsageError
    from cc_ci.levers.arms import LIMIT_PROFILE
    from cc_ci.perf.baselines.measured_set import read
    from cc_ci.perf.documents.baseline import whole_runs
    from cc_ci.perf.measuring.campaign import campaign
    from cc_ci.perf.measuring.lock import measuring

    if not cold and not warm:
        raise UsageError("--cold 0 --warm 0: there is nothing to measure; give one of them a number")
    asked = question(
        recipes=tuple(name.strip() for name in recipes.split(",")),
        cold=cold,
        warm=warm,
        arms=arms_asked(arm_asked(profile, lever), against, twice=twice),
        beside=None if no_limit else LIMIT_PROFILE,
        **reference,
    )
    with story() as tell, measuring():
        asked = on_engines(asked, [engine], tell=tell)
        folder, missing = campaign(asked, node=node, root=out, new=new, mix_code=mix_code, tell=tell)
        tell(f"`cc-ci attribute {folder}` shows it, `cc-ci report {folder}` draws it")
    tell_tables([whole_runs(read(folder))])
    if missing:
        raise click.exceptions.Exit(5)
