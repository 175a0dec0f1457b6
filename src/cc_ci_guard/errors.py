"""What ends the guard early. A verdict of it is no error: it is an exit code.

GuardError
|-- GuardUsageError   2   the caller asked for something that can't be
`-- GuardBlindError   3   the guard could not look: an engine, a program or a file did not answer

Exit codes of verdicts: 0 all holds, 1 something is weaker, 4 something was left behind.
"""

from typing import ClassVar

import click

WEAKER, RESIDUE = 1, 4


class GuardError(click.ClickException):
    """One line for people: the thing, the value seen, the remedy."""

    exit_code: ClassVar[int] = 3

    def show(self, file: object = None) -> None:  # noqa: ARG002 - click's signature
        click.echo(f"cc-ci guard: {' '.join(self.message.split())}", err=True)


class GuardUsageError(GuardError):
    exit_code: ClassVar[int] = 2


class GuardBlindError(GuardError):
    exit_code: ClassVar[int] = 3
