"""Lint rules about the names of what a stack makes."""

from collections.abc import Iterator

from cc_ci.recipes.app import App
from cc_ci.recipes.faults import Source
from cc_ci.recipes.interpolation import variables
from cc_ci.recipes.linting.findings import Finding, found
from cc_ci.recipes.stack import Stack

LONGEST_SECRET = 12
"""Swarm ends names at 64 characters, and domain and version are part of this one."""


def script_for_configs(app: App, stack: Stack) -> Iterator[Finding]:
    if stack.configs and not (app.recipe.root / "abra.sh").is_file():
        message = f"abra.sh: is missing, and there are configs: {', '.join(stack.configs)}"
        yield found("R012", message, stack.source("configs"), key="configs")


def config_versions(_app: App, stack: Stack) -> Iterator[Finding]:
    for name, config in stack.configs.items():
        key = f"configs.{name}.name"
        if not config.external and not set(variables(config.written)) - {"STACK_NAME"}:
            message = f"{key}: has no version, so that a change of the config breaks the upgrade"
            yield found("C008", message, stack.source(key), key=key)


def short_names(_app: App, stack: Stack) -> Iterator[Finding]:
    for name in stack.secrets:
        if len(name) > LONGEST_SECRET:
            key = f"secrets.{name}"
            message = (
                f"{key}: has {len(name)} characters; more than {LONGEST_SECRET} leave few for the domain"
            )
            yield found("R015", message, stack.source(key), key=key)


def own_names(_app: App, stack: Stack) -> Iterator[Finding]:
    """Networks and volumes that are external are somebody else's, and named by them."""
    for section in ("volumes", "networks", "configs", "secrets"):
        for name, entry in getattr(stack, section).items():
            whose = entry.external and section in ("volumes", "networks")
            if not whose and not entry.name.startswith(stack.name):
                key = f"{section}.{name}.name"
                message = f"{key}: {entry.name} is the same for each app; begin it with ${{STACK_NAME}}_"
                yield found("C012", message, _place(stack, section, name), key=key)


def filled_label_names(_app: App, stack: Stack) -> Iterator[Finding]:
    """Of labels that are written as a map, Docker fills in the values alone."""
    for service in stack.services.values():
        unfilled = [label for label in service.labels if any(variables(label))]
        if unfilled:
            first, *more = unfilled
            key = f"services.{service.name}.deploy.labels.{first}"
            others = f" (and {len(more)} more)" if more else ""
            message = (
                f"{key}: no variable is filled in in the keys of a map{others}, so that the name is the same "
                "for each app; write the labels as a list of 'key=value'"
            )
            yield found("C012", message, stack.source(key), key=key)


def _place(stack: Stack, section: str, name: str) -> Source | None:
    return stack.source(f"{section}.{name}.name") or stack.source(f"{section}.{name}")
