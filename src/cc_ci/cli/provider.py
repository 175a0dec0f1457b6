"""`cc-ci provider`: a single sign-on provider that outlives runs, so that a run need not deploy one."""

import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cc_ci.engine.api import Engine
    from cc_ci.providers.warm import ProviderStanding, WarmKeycloak
    from cc_ci.recipes.stack import Stack
    from cc_ci.system.settings import Settings

NAME = click.argument("name", type=click.Choice(["keycloak"]))
NODE = click.option("--node", metavar="NAME", help="A private node's name.")


@click.group()
def provider() -> None:
    """A single sign-on provider that outlives runs; `--lever provider.warm=yes` uses it."""


@provider.command()
@NAME
@NODE
def up(*, name: str, node: str | None) -> None:
    """Make the warm provider NAME, in the newest published version of its recipe, and pause it.

    An unchanged one is left as it is. It needs about 1 GB of memory while a run uses it.
    """
    import filelock

    from cc_ci.cli.story import story
    from cc_ci.errors import UsageError
    from cc_ci.isolation.leases import liveness
    from cc_ci.pipeline.warmth import images_of

    settings = _settings(node)
    with story(started=time.monotonic()) as say:
        engine, warm = _warm(settings, say=say)
        version, stack = _recipe(name, settings)
        images = images_of(stack)
        with filelock.FileLock(warm.lock):
            for reference in (images.database, images.app):
                if engine.image(reference) is None:
                    say(f"pulling {reference}")
                    engine.pull(reference)
            fault = warm.fault(version=version, images=images)
            if fault and (users := warm.users(liveness(engine))):
                raise UsageError(
                    f"provider {name}: run {users[0]} uses it, and {fault}; retry after that run"
                )
            if fault:
                say(f"{name}: is being made, because {fault}")
                warm.up(version=version, images=images)
            warm.rest(liveness(engine))
            _tell(warm, as_json=False)


@provider.command()
@NAME
@NODE
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
def status(*, name: str, node: str | None, as_json: bool) -> None:
    """Show the state of the warm provider NAME, without waking it."""
    import filelock

    del name
    _, warm = _warm(_settings(node))
    with filelock.FileLock(warm.lock):
        _tell(warm, as_json=as_json)


@provider.command()
@NAME
@NODE
def down(*, name: str, node: str | None) -> None:
    """Remove the warm provider NAME with all its data; refuses while a live run uses it."""
    import filelock

    from cc_ci.errors import UsageError
    from cc_ci.isolation.leases import liveness

    engine, warm = _warm(_settings(node))
    with filelock.FileLock(warm.lock):
        if warm.record is not None and (users := warm.users(liveness(engine))):
            raise UsageError(f"provider {name}: run {users[0]} uses it; retry after that run")
        warm.take_down()
    click.echo(f"provider {name}: gone", err=True)


def _settings(node: str | None) -> "Settings":
    from cc_ci.system.settings import load_settings

    return load_settings({"node": node})


def _say(line: str) -> None:
    click.echo(line, err=True)


def _warm(settings: "Settings", *, say: "Callable[[str], None]" = _say) -> "tuple[Engine, WarmKeycloak]":
    from cc_ci.cli.chosen_node import chosen_node
    from cc_ci.cli.story import told_runner
    from cc_ci.engine.docker_engine import connect
    from cc_ci.errors import UsageError
    from cc_ci.providers.warm import WarmKeycloak
    from cc_ci.system.clock import SystemClock

    node = chosen_node(settings)
    if not node.private:
        raise UsageError(f"node {node.name}: is not cc-ci's own, and no provider is kept on it")
    runner = told_runner(say)
    engine = connect(node, runner)
    return engine, WarmKeycloak(node, engine, runner, SystemClock(), say=say)


def _recipe(name: str, settings: "Settings") -> "tuple[str, Stack]":
    """The newest published version of the provider's recipe, as a run reads it."""
    from cc_ci.pipeline.fetching import shipped_suites
    from cc_ci.pipeline.needs import SearchPlaces, read_need
    from cc_ci.system.held import temporary_folder
    from cc_ci.system.process import LocalRunner

    with temporary_folder() as scratch:
        places = SearchPlaces(
            recipes=settings.recipes, suites=(*settings.suites, *shipped_suites()), scratch=scratch
        )
        need = read_need(
            name, run="provider", ci_domain=settings.ci_domain, places=places, runner=LocalRunner()
        )
        return need.candidate.label, need.stack


def _tell(warm: "WarmKeycloak", *, as_json: bool) -> None:
    from cc_ci.cli.told_json import tell_json

    standing = warm.standing()
    if as_json:
        tell_json("provider", provider=standing)
    else:
        click.echo("\n".join(lines(standing)))


def lines(standing: "ProviderStanding") -> "Iterator[str]":
    from cc_ci.system.printable import one_line

    version = f" {standing.version}" if standing.version else ""
    yield f"keycloak{version}: {standing.state}" + (f": {standing.fault}" if standing.fault else "")
    if standing.memory_bytes is not None:
        yield f"  memory: {standing.memory_bytes / 1e6:.0f} MB"
    for realm in standing.realms:
        yield f"  realm {one_line(realm.name)} of {one_line(realm.run or 'no run that is known')}"
