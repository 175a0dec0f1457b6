"""`cc-ci engine`: engines of other Debian suites, made once, for nodes to run."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cc_ci.cli.engine_measure import measure

if TYPE_CHECKING:
    from cc_ci.lab.engine_roots import EngineRoot

NAME = click.argument("name")


@click.group()
def engine() -> None:
    """Engines that a private node can run: the machine's own, or those of other Debian suites."""


engine.add_command(measure)


@engine.command()
@click.argument("suite")
def build(suite: str) -> None:
    """Make the engine of a Debian SUITE (trixie or forky), unless these versions are kept already.

    Needs about 400 MB of disk. Nothing is installed on this machine.
    """
    from cc_ci.cli.story import story, told_runner
    from cc_ci.lab.engine_roots import RootBuilder
    from cc_ci.system.clock import SystemClock

    with story(started=time.monotonic()) as say:
        made = RootBuilder(runner=told_runner(say), clock=SystemClock(), say=say).build(suite)
    _print([made])


@engine.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def list_(*, as_json: bool) -> None:
    """List the engines that are kept."""
    from cc_ci.lab.engine_roots import kept

    there = kept()
    if as_json:
        from cc_ci.cli.told_json import tell_json

        tell_json("engines", engines=there)
    elif there:
        _print(there)
    else:
        click.echo("none; `cc-ci engine build forky` makes one", err=True)


@engine.command()
@NAME
def remove(name: str) -> None:
    """Remove the kept engine NAME, or the newest one of the suite NAME."""
    from cc_ci.lab.engine_roots import remove as removed

    click.echo(f"{removed(name).name}: removed", err=True)


@engine.command()
@NAME
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def export(name: str, file: Path) -> None:
    """Write the engine NAME to FILE, so that it stays available when its suite has moved on."""
    from cc_ci.lab.engine_archives import export as exported
    from cc_ci.system.process import LocalRunner

    click.echo(f"{file}: {exported(name, file, runner=LocalRunner()).name}", err=True)


@engine.command("import")
@click.argument("path", type=click.Path(path_type=Path, exists=True))
def import_(path: Path) -> None:
    """Keep an engine from a file of `cc-ci engine export`, or from a folder that has one in its usr.

    Its programs will run as root. An engine of the same versions that is already kept stays unchanged.
    """
    from cc_ci.lab.engine_archives import import_ as imported
    from cc_ci.system.process import LocalRunner

    _print([imported(path, runner=LocalRunner())])


def _print(engines: "list[EngineRoot] | tuple[EngineRoot, ...]") -> None:
    width = max(len(one.name) for one in engines)
    click.echo(f"{'engine':{width}}  {'suite':7}  {'size':>7}  {'made in':>7}")
    for one in engines:
        size = f"{one.size_bytes / 1e6:.0f} MB"
        click.echo(f"{one.name:{width}}  {one.suite:7}  {size:>7}  {one.seconds:5.0f} s")
