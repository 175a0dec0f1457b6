"""`cc-ci node`: start, stop, show, reset or remove the private node."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from cc_ci.lab.node import PrivateNode
    from cc_ci.lab.node_records import Wanted
    from cc_ci.system.settings import Resolved, Settings


@click.group()
def node() -> None:
    """The private node: an engine, a Swarm and a registry of cc-ci's own."""


def named(command: Callable[..., None]) -> Callable[..., None]:
    return click.option("--name", metavar="NAME", help="A private node other than `main`.")(command)


FORCE = click.option("--force", is_flag=True, help="Do it although a run is live on the node.")


def wanted_options(command: Callable[..., None]) -> Callable[..., None]:
    options = (
        click.option("--cpus", type=float, metavar="N", help="Limit the node to N CPUs."),
        click.option("--memory", metavar="SIZE", help="Limit its memory, including the page cache: 6g."),
        click.option("--disk", metavar="SIZE", help="Limit what the apps of one run may write: 40g."),
        click.option("--bandwidth", metavar="RATE", help="Limit the link to the registry: 100mbit."),
        click.option("--images", type=click.Choice(["standin", "hub"]), help="Where images come from."),
        click.option(
            "--engine",
            metavar="NAME|PATH",
            help="system, trixie, forky, one of `cc-ci engine list`, or its file or folder. "
            "[system from 28 on, else forky]",
        ),
        click.option(
            "--userns/--no-userns",
            default=None,
            help="Whether root in a container is nobody on this machine. [it is]",
        ),
        click.option(
            "--new-privileges/--no-new-privileges",
            default=None,
            help="Whether setuid programs work in containers. [they do not]",
        ),
        click.option("--ci-domain", metavar="DOMAIN", help="The domain under which apps get names."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@node.command()
@named
@wanted_options
def up(*, name: str | None, **flags: object) -> None:
    """Start the node, or repair it. Without options it keeps its settings."""
    from cc_ci.cli.story import story

    with story() as tell:
        chosen = _node(name, tell)
        made = chosen.up(_wanted(chosen, flags, tell))
        tell(f"node {made.name}: up, at {made.address}")
        if flags["engine"] is None:
            _tell_old_engine(chosen, tell)
        if not made.ipvs:
            tell("warning: this kernel has no IPVS: services get dnsrr and host ports")


@node.command()
@named
@FORCE
def down(*, name: str | None, force: bool) -> None:
    """Stop the node: its processes, namespaces and links. Its images and volumes stay.

    Refused while a run is live on it.
    """
    from cc_ci.cli.story import story

    with story() as tell:
        chosen = _known(name, tell)
        if not force:
            _require_idle(chosen)
        chosen.down()
        tell(f"node {chosen.places.name}: down")


@node.command()
@named
@FORCE
@click.option("--yes", "-y", is_flag=True, help="Do not ask whether it is meant.")
@wanted_options
def reset(*, name: str | None, force: bool, yes: bool, **flags: object) -> None:
    """Stop the node, remove its images, volumes and Swarm, and start it again.

    Refused while a run is live on it. Asks first, unless --yes is given.
    """
    from cc_ci.cli.story import story

    with story() as tell:
        chosen = _known(name, tell)
        if not force:
            _require_idle(chosen)
        _require_meant(chosen, yes=yes)
        made = chosen.reset(_wanted(chosen, flags, tell))
        tell(f"node {made.name}: up and empty, at {made.address}")


@node.command()
@click.argument("name")
@FORCE
def rm(*, name: str, force: bool) -> None:
    """Remove the node NAME for good, with its images, volumes, Swarm, logs and settings."""
    from cc_ci.cli.story import story

    with story() as tell:
        chosen = _known(name, tell)
        if not force:
            _require_idle(chosen)
        chosen.remove()
        tell(f"node {name}: removed")


def _require_idle(chosen: "PrivateNode") -> None:
    """Raise UsageError while a run is live on the node."""
    from cc_ci.engine.docker_engine import connect
    from cc_ci.errors import UsageError
    from cc_ci.isolation.leases import liveness
    from cc_ci.system.process import LocalRunner

    if not chosen.up_now:
        return
    known = liveness(connect(chosen.load(), LocalRunner()))
    live = [seen for seen in known.values() if seen.live and not seen.kept]
    if live:
        raise UsageError(
            f"node {chosen.places.name}: run {live[0].run} is live on it: {live[0].reason}; "
            "wait for its end, or end it with --force"
        )


def _require_meant(chosen: "PrivateNode", *, yes: bool) -> None:
    """Ask whether a node may be emptied. Raises UsageError where nobody can answer."""
    import sys

    from cc_ci.errors import UsageError

    if yes:
        return
    question = f"node {chosen.places.name}: its images, volumes and Swarm will be gone"
    if not sys.stdin.isatty():
        raise UsageError(f"{question}; say --yes if that is meant")
    click.confirm(f"{question}. Go on?", abort=True, err=True)


@node.command()
@named
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def status(*, name: str | None, as_json: bool) -> None:
    """Show the node, or without --name all nodes."""
    from cc_ci.cli.node_table import shown
    from cc_ci.cli.told_json import tell_json
    from cc_ci.lab.node import PrivateNode
    from cc_ci.lab.node_records import all_nodes

    names = (_known(name, lambda _line: None).places.name,) if name else all_nodes()
    found = [seen for one in names if (seen := PrivateNode(one).status())]
    if as_json:
        tell_json("nodes", nodes=found)
        return
    if not found:
        click.echo("no private node; `cc-ci node up` makes one")
        return
    click.echo("\n\n".join(shown(seen) for seen in found))


def _node(name: str | None, tell: Callable[[str], None]) -> "PrivateNode":
    from cc_ci.cli.story import told_runner
    from cc_ci.lab.node import PrivateNode
    from cc_ci.lab.node_records import DEFAULT

    return PrivateNode(name or DEFAULT, runner=told_runner(tell), say=tell)


def _known(name: str | None, tell: Callable[[str], None]) -> "PrivateNode":
    """A node that is there, up or down. Raises UsageError for another name."""
    from cc_ci.lab.node_lock import require_own
    from cc_ci.lab.node_records import all_nodes
    from cc_ci.system.suggesting import unknown

    chosen = _node(name, tell)
    # one without a record may still have parts: a node of a cc-ci that was killed
    if chosen.record is None and not chosen.places.state.is_dir():
        require_own(chosen.places)  # it may be up from another state folder, which says more
        raise unknown("node", chosen.places.name, all_nodes(), mend="`cc-ci node up` makes one")
    return chosen


def _wanted(chosen: "PrivateNode", flags: dict[str, object], tell: Callable[[str], None]) -> "Wanted | None":
    """The node's former settings, changed by flags, and for a new node also by other settings."""
    import msgspec

    from cc_ci.lab.node_records import Wanted
    from cc_ci.system.settings import load_resolved

    resolved = load_resolved(flags)
    _require_there(resolved)
    before = chosen.record
    if before is None:
        return Wanted(**_values(resolved.settings), engine=_engine(resolved, tell))
    given = {_FIELDS.get(name, name) for name, value in flags.items() if value is not None}
    changes = {field: value for field, value in _values(resolved.settings).items() if field in given}
    if "engine" in given:
        changes["engine"] = _engine(resolved, tell)
    return msgspec.structs.replace(before.wanted, **changes)


def _require_there(resolved: "Resolved") -> None:
    """Raise UsageError for more CPUs than the machine has."""
    import os

    from cc_ci.errors import UsageError

    cpus, there = resolved.settings.cpus, os.cpu_count() or 1
    if cpus and cpus > there:
        raise UsageError(f"{resolved.origins['cpus']}: {cpus:g} CPUs; this machine has {there}")


def _engine(resolved: "Resolved", tell: Callable[[str], None]) -> str:
    """The requested engine, or the default; it is built or imported if needed."""
    from cc_ci.cli.story import told_runner
    from cc_ci.errors import UsageError
    from cc_ci.lab.engine_choice import engine_for
    from cc_ci.lab.engine_roots import SUITES
    from cc_ci.lab.node import require_root

    asked = resolved.settings.engine
    if asked in (None, *SUITES):
        # before half a minute is spent on one that nobody could run
        require_root()
    if asked and "/" in asked and resolved.from_here("engine"):
        raise UsageError(
            f"{resolved.origins['engine']}: engine: {asked} may come with what is tested, and would run as"
            " root; give it by --engine"
        )
    return engine_for(asked, runner=told_runner(tell), say=tell)


def _tell_old_engine(chosen: "PrivateNode", tell: Callable[[str], None]) -> None:
    """Say so if a node keeps an old engine from the time when there was no choice."""
    from cc_ci.lab.node_records import SYSTEM
    from cc_ci.system.machine import is_current

    seen = chosen.status()
    if seen and seen.record.wanted.engine == SYSTEM and not is_current(seen.engine):
        tell(
            f"engine: the machine's own {seen.engine}, as it was; `cc-ci node reset --name {seen.name}"
            " --engine forky` takes one as operators have, and empties the node"
        )


_FIELDS = {"memory": "memory_bytes", "disk": "disk_bytes"}


def _values(settings: "Settings") -> dict[str, Any]:
    return {
        "cpus": settings.cpus,
        "memory_bytes": settings.memory_bytes,
        "disk_bytes": settings.disk_bytes,
        "bandwidth": settings.bandwidth,
        "images": settings.images,
        "ci_domain": settings.ci_domain,
        "userns": settings.userns,
        "new_privileges": settings.new_privileges,
    }
