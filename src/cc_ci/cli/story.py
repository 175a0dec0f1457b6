"""The story of a command on stderr, line by line, so that long work shows what it does."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cc_ci.system.process import Runner


@contextmanager
def story(*, started: float | None = None) -> Iterator[Callable[[str], None]]:
    """Hand out a function that tells one line; with `started` (monotonic) each has the seconds since.

    On a terminal the running step turns until the next one begins.
    """
    from rich.console import Console

    def stamped(line: str) -> str:
        return line if started is None else f"[{time.monotonic() - started:6.1f} s] {line}"

    console = Console(stderr=True, highlight=False, markup=False)
    if not console.is_terminal:
        yield lambda line: click.echo(stamped(line), err=True)
        return
    running = _Running()
    with console.status(running) as status:

        def tell(line: str) -> None:
            console.print(stamped(line))
            running.begin(line)
            status.update(running)

        yield tell


class _Running:
    """The step that runs, and since when: drawn anew several times a second."""

    def __init__(self) -> None:
        self.begin("")

    def begin(self, line: str) -> None:
        self._line = line
        self._since = time.monotonic()

    def __rich__(self) -> str:
        return f"{time.monotonic() - self._since:4.0f} s  {self._line}" if self._line else ""


def told_runner(tell: Callable[[str], None]) -> "Runner":
    """A runner that tells each command it runs, when --verbose asks for it."""
    from cc_ci.system.process import LocalRunner

    options = click.get_current_context().find_object(dict) or {}
    return LocalRunner(log=tell if options.get("verbose") else None)
