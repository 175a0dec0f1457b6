"""Waiting, in one place: a predicate, an error predicate, a deadline and a name for every wait."""

from collections.abc import Callable
from typing import TypeVar

from cc_ci.errors import InfrastructureError
from cc_ci.system import stopping
from cc_ci.system.clock import Clock
from cc_ci.system.units import Seconds

T = TypeVar("T")


class WaitTimeout(InfrastructureError):  # noqa: N818 - reads as what it is
    """A wait that outlasted its deadline; the message names the wait and what was last seen."""


def wait_until(
    look: Callable[[], T],
    *,
    name: str,
    ready: Callable[[T], bool],
    timeout: Seconds,
    clock: Clock,
    interval: Seconds = 0.2,
    failed: Callable[[T], str | None] = lambda _seen: None,
    error: Callable[[str], Exception] = InfrastructureError,
    describe: Callable[[T], str] = repr,
) -> T:
    """Look until `ready`, and hand back what was seen then.

    `failed` returns why it can never become ready, or None; that reason is raised as `error`.
    Raises WaitTimeout after `timeout` seconds, Stopped when the thread is told to stop.
    For things that give no event; where there is one, use it.
    """
    deadline = clock.monotonic() + timeout
    while True:
        stopping.current().check()
        seen = look()
        if ready(seen):
            return seen
        if reason := failed(seen):
            raise error(f"{name}: {reason}")
        remaining = deadline - clock.monotonic()
        if remaining <= 0:
            raise WaitTimeout(f"{name}: not there after {timeout:g} s; last seen: {describe(seen)}")
        clock.sleep(min(interval, remaining))
