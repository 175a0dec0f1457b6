"""`cc-ci reap`: remove what runs that died left on a node."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cc_ci.isolation.reaper import Reaped


@click.command()
@click.option("--node", metavar="NAME", help="A private node's name, a docker context, or a host's address.")
@click.option("--run", metavar="ID", help="Only what this run left; also an app that --keep left up.")
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@click.option("--json", "as_json", is_flag=True, help="Tell it as JSON.")
def reap(*, node: str | None, run: str | None, dry_run: bool, as_json: bool) -> None:
    """Remove what dead runs left on a node. What live runs have there is left alone, and told of."""
    import functools

    import msgspec

    from cc_ci.cli.chosen_node import chosen_node
    from cc_ci.cli.story import told_runner
    from cc_ci.engine.docker_engine import connect
    from cc_ci.errors import ContaminationError
    from cc_ci.isolation.reaper import Reaped, Reaper
    from cc_ci.isolation.scratch import scratch_folder
    from cc_ci.lab.run_proxy import forget
    from cc_ci.system.clock import SystemClock
    from cc_ci.system.settings import load_settings

    reached = chosen_node(load_settings({"node": node}))
    engine = connect(reached, told_runner(lambda line: click.echo(line, err=True)))
    reaper = Reaper(
        engine,
        clock=SystemClock(),
        foreign=not reached.private,
        folder_of=scratch_folder,
        forget_proxies=functools.partial(forget, reached, engine),
    )
    reaped = Reaped(plan=reaper.plan(only=run)) if dry_run else reaper.reap(only=run)
    told = "\n".join(lines(reaped, dry_run=dry_run))
    click.echo(msgspec.json.encode(reaped, enc_hook=str) if as_json else told)
    if reaped.failed:
        raise ContaminationError(f"reap: {len(reaped.failed)} things are left; each is named above")


def lines(reaped: "Reaped", *, dry_run: bool) -> Iterator[str]:
    """A line for each run, and one for each thing that was its."""
    from cc_ci.system.printable import one_line

    removed = reaped.plan.items if dry_run else reaped.removed
    for run in reaped.plan.spared:
        hint = f"; `cc-ci reap --run {run.run}` removes it" if run.kept else ""
        yield f"left     run {run.run}: {run.reason}{hint}"
    for dead in reaped.plan.dead:
        yield f"dead     run {dead.run}: {dead.reason}"
    for one in reaped.plan.doubtful:
        yield f"left     {one.item.kind} {one_line(one.item.name)}: {one.reason}"
    for item in removed:
        yield f"{'would go' if dry_run else 'removed '} {item.kind} {one_line(item.name)}"
    for folder in reaped.folders:
        yield f"removed  folder {folder}"
    for failure in reaped.failed:
        yield f"failed   {failure}"
    if not (reaped.plan.spared or reaped.plan.dead):
        yield "nothing of any run is on the node"
