"""What every command has beside its own: examples, shown defaults, --quiet and --verbose, and completion."""

from typing import Any

import click

from cc_ci.cli.examples import EXAMPLES

QUIET = "Tell nothing but results, warnings and errors."
VERBOSE = "Show the trace of an error, and every command that is run."
KINDS = {
    "recipe": "recipes",
    "recipes": "recipes",
    "path": "recipes",
    "run": "runs",
    "a": "runs",
    "b": "runs",
    "what": "runs",
    "node": "nodes",
    "profile": "profiles",
    "lever": "levers",
    "names": "levers",
}
"""What completes a parameter, by its name. `name` is a node's where the command is one of `node`."""


def furnished(command: click.Command, words: tuple[str, ...]) -> click.Command:
    """The command, once more furnished or not; groups are furnished with all that they hold."""
    if getattr(command, "furnished", False):
        return command
    command.furnished = True  # type: ignore[attr-defined]
    command.context_settings.setdefault("show_default", True)
    command.params.extend(steering_options())
    examples = EXAMPLES.get(" ".join(words), ())
    if examples:
        lines = "\n".join(f"  {example}" for example in examples)
        command.epilog = f"\b\nExamples:\n{lines}"
    for param in command.params:
        _complete(param, words)
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            furnished(child, (*words, name))
    return command


def steering_options() -> list[click.Parameter]:
    """`--quiet` and `--verbose`, which hold wherever in the line they stand."""

    def steer(context: click.Context, param: click.Parameter, value: bool) -> None:
        if value and param.name:
            context.ensure_object(dict)[param.name] = True

    names = (("quiet", "-q", QUIET), ("verbose", "-v", VERBOSE))
    return [
        click.Option([f"--{name}", short], is_flag=True, expose_value=False, callback=steer, help=text)
        for name, short, text in names
    ]


def _complete(param: click.Parameter, words: tuple[str, ...]) -> None:
    kind = "nodes" if param.name == "name" and words[0] == "node" else KINDS.get(param.name or "")
    if kind == "levers" and param.name == "names" and words != ("levers",):
        return
    if kind is None or isinstance(param.type, click.Choice) or param.type.name == "boolean":
        return

    def known(_context: click.Context, _param: click.Parameter, incomplete: str) -> list[Any]:
        from cc_ci.cli.completion import candidates

        return list(candidates(kind, incomplete))

    param._custom_shell_complete = known  # noqa: SLF001 - click takes it at a parameter's making only
