"""`cc-ci completion`: the script by which a shell completes cc-ci's words, and the words."""

import contextlib
from collections.abc import Iterable

import click

VARIABLE = "_CC_CI_COMPLETE"
"""Click's name of it, for a program called cc-ci."""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script by which SHELL completes commands, recipes, runs, nodes, stages and levers."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is None:
        raise AssertionError(f"click knows no completion for {shell}")
    root = click.get_current_context().find_root().command
    complete = found(root, {}, "cc-ci", VARIABLE)
    click.echo(complete.source_template % complete.source_vars())


def candidates(kind: str, incomplete: str) -> list[str]:
    """Names of a kind that begin so; nothing where they can't be had: a shell wants no error."""
    with contextlib.suppress(Exception):
        return [name for name in _known(kind) if name.startswith(incomplete)]
    return []


def _known(kind: str) -> Iterable[str]:
    if kind == "recipes":
        from cc_ci.pipeline.locating import known_recipes
        from cc_ci.system.settings import load_settings

        return known_recipes(load_settings().recipes)
    if kind == "runs":
        from cc_ci.results.store import Store

        return ("latest", *Store().runs())
    if kind == "nodes":
        from cc_ci.lab.node_records import all_nodes

        return all_nodes()
    from cc_ci.levers.registry import BY_NAME, PROFILES

    return PROFILES if kind == "profiles" else BY_NAME
