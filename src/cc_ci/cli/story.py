"""The story of a command on stderr, line by line, so that long work shows what it does."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from cc_ci.system.process import Runner

LOUD = ("warning", "error", "refused")
"""Beginnings of lines that --quiet leaves."""
REDRAWN = 4
"""Times per second; few, because redrawing uses the CPUs of the node under test."""


@contextmanager
def story(*, started: float | None = None) -> "Iterator[Story]":
    """Yield a function that prints one line; with `started` (monotonic) each line has the seconds since.

    On a terminal, the current work is shown below the lines.
    """
    from rich.console import Console

    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    told = Story(console, started=started, quiet=steered("quiet"))
    with told.turning():
        yield told


class Story:
    """Prints lines, and on a terminal the current work below them: the last line, or what it follows."""

    def __init__(self, console: "Console", *, started: float | None, quiet: bool = False) -> None:
        self._console = console
        self._quiet = quiet
        self._started = started
        self._line = ""
        self._since = time.monotonic()
        self._live: Callable[[int], str] | None = None

    def __call__(self, line: str) -> None:
        from cc_ci.system.printable import printable

        stamp = "" if self._started is None else f"[{time.monotonic() - self._started:6.1f} s] "
        line = printable(line)
        if self._quiet and not line.startswith(LOUD):
            return
        if self._console.is_terminal:
            self._console.print(f"{stamp}{line}")
        else:
            click.echo(f"{stamp}{line}", err=True)
        self._line, self._since = line, time.monotonic()

    @property
    def watched(self) -> bool:
        """Whether somebody may look at a terminal."""
        return self._console.is_terminal and not self._quiet

    def follow(self, live: Callable[[int], str]) -> None:
        """From now on, call `live` several times a second for the current work, with the width."""
        self._live = live

    def turning(self) -> AbstractContextManager[object]:
        if self._quiet or not self._console.is_terminal:
            return nullcontext()
        return self._console.status(self, refresh_per_second=REDRAWN)

    def __rich__(self) -> "Text":
        from rich.text import Text

        return Text(self.at_work(), overflow="ellipsis", no_wrap=True)

    def at_work(self) -> str:
        if self._live is not None:
            # the spinner takes two, and some terminals go on to the next line at the last place
            return self._live(max(20, self._console.width - 3))
        return f"{time.monotonic() - self._since:4.0f} s  {self._line}" if self._line else ""


def told_runner(tell: Callable[[str], None]) -> "Runner":
    """A runner that prints each command that it runs, if --verbose is given."""
    from cc_ci.system.process import LocalRunner

    return LocalRunner(log=tell if steered("verbose") else None)


def steered(name: str) -> bool:
    """Whether `--quiet` or `--verbose` was given, before or after the command."""
    context = click.get_current_context(silent=True)
    return bool(context and (context.find_object(dict) or {}).get(name))
