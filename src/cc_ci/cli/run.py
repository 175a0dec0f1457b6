"""`cc-ci run`: one recipe through all its stages, and a table of what came of it."""

import functools
import os
import sys
import time
from typing import TYPE_CHECKING, get_args

import click

from cc_ci.cli.arm_flags import arm_options
from cc_ci.cli.durations import DurationOption

if TYPE_CHECKING:
    from cc_ci.engine.node import Node
    from cc_ci.levers.arms import Chosen
    from cc_ci.pipeline.fetching import Selection
    from cc_ci.pipeline.request import Ran
    from cc_ci.results.schema import StageName
    from cc_ci.results.store import Store
    from cc_ci.system.settings import Settings

DISTURBS = "this run makes one of its runs void, and its own times are no measure"
STAGES = ("install", "upgrade", "backup", "restore", "functional", "sso")


@click.command()
@click.argument("recipe")
@click.option("--from", "from_", metavar="VERSION", help="Upgrade from this version, or `none`.")
@click.option("--to", metavar="VERSION", help="Test this published version, not the working tree.")
@click.option("--stage", type=click.Choice(STAGES), help="Run one stage and what it needs.")
@click.option("--variant", metavar="NAME", help="Test this variant of suite.toml.")
@arm_options
@click.option(
    "--cache",
    type=click.Choice(["as-is", "cold", "warm"]),
    help="cold: remove the recipe's images first; warm: stop unless every image is present.",
)
@click.option("--node", metavar="NAME|CONTEXT|HOST", help="A private node by name, or an existing Swarm.")
@click.option("--address", metavar="IP", help="The address of a foreign node's proxy. [the node's host]")
@click.option("--authority", metavar="FILE", help="A CA that signs a foreign node's certificates.")
@click.option(
    "--deadline",
    "deadline_seconds",
    type=DurationOption(),
    metavar="TIME",
    help="Stop the run after this: 900, 15m, 2h.",
)
@click.option("--keep", is_flag=True, help="Leave the app up, and print how to open it.")
@click.option("--soak", is_flag=True, help="Leave the app alone for a minute or more; it must keep running.")
@click.option("--exitfirst", "-x", is_flag=True, help="Stop the run at the first red step.")
@click.option(
    "--trust",
    metavar="PERMISSION",
    multiple=True,
    help="Give the recipe this permission; repeatable. `cc-ci recipe trust` lists all.",
)
@click.option("--dry-run", is_flag=True, help="Print the plan of the run and do nothing; needs no node.")
@click.option("--json", "as_json", is_flag=True, help="Print results.json instead of the tables.")
def run(
    *,
    recipe: str,
    from_: str | None,
    to: str | None,
    stage: str | None,
    variant: str | None,
    keep: bool,
    soak: bool,
    exitfirst: bool,
    lever: tuple[str, ...],
    trust: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    **flags: object,
) -> None:
    """Test RECIPE, a name, a folder or the address of a git repository, as its working tree stands."""
    started = time.monotonic()
    from cc_ci.cli.chosen_node import chosen_node
    from cc_ci.cli.story import steered, story
    from cc_ci.levers.arms import DEFAULT_PROFILE, choose
    from cc_ci.perf.measuring.lock import MEASURED_VARIABLE, under_way
    from cc_ci.pipeline.fetching import Selection
    from cc_ci.pipeline.locating import name_of
    from cc_ci.pipeline.request import Request
    from cc_ci.pipeline.run import Run
    from cc_ci.pipeline.subject import Choice
    from cc_ci.pipeline.trust import Trust
    from cc_ci.report.last_time import LastTime, last_of
    from cc_ci.report.live import Live
    from cc_ci.results.schema import StageName
    from cc_ci.results.store import Store
    from cc_ci.system.clock import SystemClock
    from cc_ci.system.process import LocalRunner
    from cc_ci.system.redaction import Redactor
    from cc_ci.system.settings import load_resolved

    resolved = load_resolved(flags)
    settings = resolved.settings
    arm = choose(settings.profile or DEFAULT_PROFILE, lever)
    choice = Choice(to=to, from_=from_)
    trusted = Trust(given=trust, table=settings.trust, by_name=not resolved.from_here("recipes"))
    only = next((name for name in get_args(StageName) if name == stage), None)
    if dry_run:
        selection = Selection(
            recipe=recipe,
            choice=choice,
            variant=variant,
            recipe_roots=settings.recipes,
            suite_roots=settings.suites,
            trust=trusted,
            soak=soak,
        )
        _tell_plan(selection, arm, settings, stage=only, keep=keep, as_json=as_json)
        return
    if MEASURED_VARIABLE not in os.environ and under_way():
        click.echo(f"warning: a measurement is under way on this machine: {DISTURBS}", err=True)
    node = chosen_node(settings)
    redact = Redactor()
    request = Request(
        recipe=recipe,
        node=node,
        arm=arm,
        choice=choice,
        variant=variant,
        stage=only,
        cache=None if settings.cache == "as-is" else settings.cache,
        keep=keep,
        exit_first=exitfirst,
        deadline=settings.deadline_seconds,
        recipe_roots=settings.recipes,
        suite_roots=settings.suites,
        trust=trusted,
        soak=soak,
    )
    store = Store()
    # some of the newest results are read for it, which takes longer than the way to the node
    last = LastTime.read_beside(
        functools.partial(last_of, store, recipe=name_of(recipe), arm=arm.arm, cache=request.cache)
    )
    with story(started=started) as tell:
        log = tell if steered("verbose") else None
        work = Run(
            request,
            runner=LocalRunner(redact=redact, log=log),
            clock=SystemClock(),
            redact=redact,
            store=store,
            started=started,
            tell=lambda line: tell(redact(line if tell.watched else last.annotated(line))),
            watched=tell.watched,
        )
        live = Live(work.trace, last, recipe=name_of(recipe), progress=lambda: work.progress)
        tell.follow(lambda width: redact(live(width)))
        ran = work()
    _take_in(store)
    store.prune(keep=settings.keep_runs)
    _tell_results(ran, as_json=as_json)
    sys.exit(ran.result.exit_code)


def _take_in(store: "Store") -> None:
    """Put the run into the history, which outlives its files; what keeps it out does not spoil the run."""
    import sqlite3

    from cc_ci.errors import UsageError
    from cc_ci.results.history import History

    def say(line: str) -> None:
        click.echo(f"warning: history: {line}", err=True)

    try:
        with History(store, say=say) as index:
            index.refresh(tell_unread=False)
    except (UsageError, OSError, sqlite3.Error) as error:
        say(str(error))


def _tell_plan(
    selection: "Selection",
    arm: "Chosen",
    settings: "Settings",
    *,
    stage: "StageName | None",
    keep: bool,
    as_json: bool,
) -> None:
    from cc_ci.cli.chosen_node import is_foreign, room_ahead
    from cc_ci.cli.planned import planned, planned_json
    from cc_ci.pipeline.fetching import rehearse
    from cc_ci.pipeline.room import Room
    from cc_ci.recipes.policy.looking import FOREIGN, PRIVATE
    from cc_ci.report.tables import console
    from cc_ci.stages.permitting import exit_code
    from cc_ci.system.held import temporary_folder
    from cc_ci.system.process import LocalRunner

    with temporary_folder() as scratch:
        subject, plan = rehearse(
            selection,
            arm,
            ci_domain=settings.ci_domain,
            stage=stage,
            keep=keep,
            scratch=scratch,
            runner=LocalRunner(),
            room=Room() if is_foreign(settings) else room_ahead(settings),
        )
        judgement = subject.judged(FOREIGN if is_foreign(settings) else PRIVATE)
    if as_json:
        click.echo(planned_json(subject, plan, arm, judgement))
    else:
        console(sys.stdout).print(planned(subject, plan, arm, judgement))
    sys.exit(exit_code(judgement.refusals))


def _tell_results(ran: "Ran", *, as_json: bool) -> None:
    from cc_ci.report.files import write_files
    from cc_ci.report.tables import console, summary

    write_files(ran.result, ran.folder)
    if as_json:
        click.echo(ran.folder.results.read_text(), nl=False)
    else:
        console(sys.stdout).print(summary(ran.result, ran.folder))
    if ran.kept_domain:
        click.echo("\n".join(_how_to_look(ran, ran.node)), err=True)


def _how_to_look(ran: "Ran", node: "Node") -> list[str]:
    domain = ran.kept_domain
    trust = f"--cacert {node.ca_certificate} " if node.ca_certificate else ""
    return [
        f"kept: https://{domain}/",
        f"  in a terminal: curl {trust}--resolve {domain}:443:{node.address} https://{domain}/",
        f"  in a browser:  chromium --host-resolver-rules='MAP {domain} {node.address}' https://{domain}/",
        f"  to remove it:  cc-ci reap --run {ran.result.run}",
    ]
