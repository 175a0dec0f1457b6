"""Signals and the deadline: each ends the run by one exception, and none ends its teardown."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType

from cc_ci.errors import InfrastructureError, Interrupted
from cc_ci.system.units import Seconds


class DeadlinePassed(InfrastructureError):  # noqa: N818 - reads as what it is
    """The run outlasted its deadline."""


class Interruption:
    """Turns SIGINT, SIGTERM, SIGHUP and the deadline's alarm into one exception in the main thread.

    Enter `armed` around the run and `shielded` around its teardown: inside it, signals are only told
    of, through `tell`, so that the teardown happens once and whole.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self, *, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._shields = 0
        self._fired: Exception | None = None

    @contextlib.contextmanager
    def armed(self, *, deadline: Seconds) -> Iterator[None]:
        before = {number: signal.signal(number, self._on_signal) for number in self.SIGNALS}
        before[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._on_alarm(deadline))
        signal.setitimer(signal.ITIMER_REAL, deadline)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for number, action in before.items():
                signal.signal(number, action)

    @contextlib.contextmanager
    def shielded(self) -> Iterator[None]:
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1

    @property
    def fired(self) -> Exception | None:
        """What ended the run, if something did."""
        return self._fired

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        self._end(
            Interrupted(f"ended by {name}"), told=f"{name} noted; the teardown goes on, it can't be hurried"
        )

    def _on_alarm(self, deadline: Seconds) -> Callable[[int, FrameType | None], None]:
        def end(_number: int, _frame: FrameType | None) -> None:
            error = DeadlinePassed(f"deadline: the run was not done after {deadline:g} s; --deadline sets it")
            self._end(error, told="deadline noted; the teardown goes on")

        return end

    def _end(self, error: Exception, *, told: str) -> None:
        first = self._fired is None
        self._fired = self._fired or error
        if self._shields or not first:
            self._tell(told)
            return
        raise error
