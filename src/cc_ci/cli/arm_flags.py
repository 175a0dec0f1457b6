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


def arms_asked(first: str, against: tuple[str, ...] = (), *, twice: bool = False) -> tuple[str, ...]:
    """All arms of a set, side by side; `twice`: each beside itself. Raises UsageError for one named again."""
    from cc_ci.errors import UsageError
    from cc_ci.levers.arms import read_arm

    arms = (first, *(str(read_arm(one).arm) for one in against))
    if again := next((arm for arm in arms if arms.count(arm) > 1), None):
        raise UsageError(f"--against '{again}': it is measured already; --twice measures each run twice")
    return tuple(arm for arm in arms for _ in range(2 if twice else 1))
