"""The flags with which commands choose an arm: a profile, and changed levers."""

from collections.abc import Callable

import click


def arm_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the flags that choose an arm: a profile, and changed levers."""
    for option in (
        click.option("--lever", multiple=True, metavar="NAME=VALUE",
                     help="Change one lever of the profile; `cc-ci levers` lists them."),
        click.option("--profile", metavar="NAME", help="A value for each lever; see `cc-ci levers`."),
    ):  # fmt: skip
        command = option(command)
    return command


def arm_asked(profile: str | None, lever: tuple[str, ...]) -> str:
    """The chosen arm, as sets record it. Raises UsageError for an unknown name or value."""
    from cc_ci.levers.arms import DEFAULT_PROFILE, choose

    return str(choose(profile or DEFAULT_PROFILE, lever).arm)
