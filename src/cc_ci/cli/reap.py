"""`cc-ci reap`: remove what dead runs left on a node."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cc_ci.engine.api import Engine
    from cc_ci.engine.node import Node
    from cc_ci.isolation.reaper import Reaped
    from cc_ci.system.process import Runner


@click.command()
@click.option("--node", metavar="NAME", help="A private node's name, a docker context, or a host's address.")
@click.option("--run", metavar="ID", help="Remove only what this run left, or an app that --keep left up.")
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
def reap(*, node: str | None, run: str | None, dry_run: bool, as_json: bool) -> None:
    """Remove what dead runs left on a node and on this machine, and list what live runs keep.

    On this machine it removes the scratch folders of runs and suites, even while the node is down.
    """
    import msgspec

    from cc_ci.errors import CcCiError, ContaminationError
    from cc_ci.isolation.reaper import Reaped, ReapingPlan
    from cc_ci.isolation.scratch import leftovers, remove_leftovers

    clear = leftovers if dry_run else remove_leftovers
    nothing = Reaped(plan=ReapingPlan(dead=(), spared=(), items=()))
    try:
        reaped = _reap_node(node, run=run, dry_run=dry_run)
    except CcCiError:
        # a machine whose node is down is cleared all the same
        _tell(msgspec.structs.replace(nothing, folders=clear(only=run)), dry_run=dry_run, as_json=as_json)
        raise
    live = {one.run for one in reaped.plan.spared}
    reaped = msgspec.structs.replace(reaped, folders=(*reaped.folders, *clear(only=run, spare=live)))
    _tell(reaped, dry_run=dry_run, as_json=as_json)
    if reaped.failed:
        raise ContaminationError(f"reap: {len(reaped.failed)} things are left; each is named above")


def _reap_node(name: str | None, *, run: str | None, dry_run: bool) -> "Reaped":
    import functools

    import msgspec

    from cc_ci.cli.chosen_node import chosen_node
    from cc_ci.cli.story import told_runner
    from cc_ci.engine.docker_engine import connect
    from cc_ci.isolation.reaper import Reaped, Reaper
    from cc_ci.isolation.scratch import remove_groups
    from cc_ci.lab.cgroups import NodeGroup
    from cc_ci.lab.run_proxy import forget
    from cc_ci.system.clock import SystemClock
    from cc_ci.system.settings import load_settings

    reached = chosen_node(load_settings({"node": name}))
    runner = told_runner(lambda line: click.echo(line, err=True))
    engine = connect(reached, runner)
    reaper = Reaper(
        engine,
        clock=SystemClock(),
        foreign=not reached.private,
        forget_proxies=functools.partial(forget, reached, engine),
    )
    if dry_run:
        return Reaped(plan=reaper.plan(only=run))
    if reached.cgroup and os.geteuid() == 0:
        remove_groups(NodeGroup(reached.cgroup))
    reaped = reaper.reap(only=run)
    return msgspec.structs.replace(reaped, realms=_reap_realms(reached, engine, runner))


def _reap_realms(node: "Node", engine: "Engine", runner: "Runner") -> tuple[str, ...]:
    """Remove the realms of dead runs from the warm provider."""
    import filelock

    from cc_ci.isolation.leases import liveness
    from cc_ci.providers.warm import WarmKeycloak
    from cc_ci.system.clock import SystemClock

    if not node.private:
        return ()
    warm = WarmKeycloak(node, engine, runner, SystemClock())
    with filelock.FileLock(warm.lock):
        return tuple(realm.name for realm in warm.reap(liveness(engine)))


def _tell(reaped: "Reaped", *, dry_run: bool, as_json: bool) -> None:
    from cc_ci.cli.told_json import tell_json

    if as_json:
        tell_json("reaped", reaped=reaped)
    else:
        click.echo("\n".join(lines(reaped, dry_run=dry_run)))


def lines(reaped: "Reaped", *, dry_run: bool) -> Iterator[str]:
    """A line for each run, and one for each of its things."""
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
        yield f"{'would go' if dry_run else 'removed '} folder {folder}"
    for realm in reaped.realms:
        yield f"removed  realm {one_line(realm)} of the warm keycloak"
    for failure in reaped.failed:
        yield f"failed   {failure}"
    if not (reaped.plan.spared or reaped.plan.dead or reaped.folders or reaped.realms):
        yield "nothing of any run is on the node"
