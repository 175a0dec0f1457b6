"""The flags by which commands take an arm: a profile, and levers set to other values."""

from collections.abc import Callable

import click


def arm_options(command: Callable[..., None]) -> Callable[..., None]:
    """How an arm is named: a profile, and levers set to other values."""
    for option in (
        click.option("--lever", multiple=True, metavar="NAME=VALUE",
                     help="Change one lever of the profile; `cc-ci levers` lists them."),
        click.option("--profile", metavar="NAME", help="A value for each lever; see `cc-ci levers`."),
    ):  # fmt: skip
        command = option(command)
    return command


def arm_asked(profile: str | None, lever: tuple[str, ...]) -> str:
    """The arm that was asked for, as sets write it down. Raises UsageError for what is not known."""
    from cc_ci.levers.arms import DEFAULT_PROFILE, choose

    return str(choose(profile or DEFAULT_PROFILE, lever).arm)
