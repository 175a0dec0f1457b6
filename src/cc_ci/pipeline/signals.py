"""Signals: they tell the run's tokens to stop, and raise nothing anywhere."""

import contextlib
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from cc_ci.errors import Interrupted
from cc_ci.pipeline.stops import CLOSING_DEADLINE, Stops

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """Signals end the run; Ctrl-C again is answered with what `doing` says; a third ends all.

    A supervisor may send SIGTERM as often as it likes: only a person at a keyboard can end a teardown.
    """

    def __init__(self, stops: Stops, *, tell: Callable[[str], None], doing: Callable[[], str]) -> None:
        self._stops = stops
        self._tell = tell
        self._doing = doing
        # a handler may do no more than put into one: it is reentrant, and an Event is not
        self._came: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._again = 0

    @contextlib.contextmanager
    def heard(self) -> Iterator[None]:
        """Take signals while the block is in; call it in the main thread."""
        thread = threading.Thread(target=self._listen, name="signals", daemon=True)
        thread.start()
        before = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
        try:
            yield
        finally:
            for number, action in before.items():
                signal.signal(number, action)
            self._came.put(None)
            thread.join()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._came.put(number)

    def _listen(self) -> None:
        while (number := self._came.get()) is not None:
            self._hear(signal.Signals(number))

    def _hear(self, number: signal.Signals) -> None:
        if self._stops.run.stop(Interrupted(f"ended by {number.name}")):
            self._tell(f"{number.name}: the run ends; what it made is removed first")
            return
        if number == signal.SIGINT:
            self._again += 1
        if self._again > 1 and self._stops.teardown.stop(
            Interrupted("the teardown was ended by Ctrl-C; `cc-ci reap` removes what is left")
        ):
            self._tell("SIGINT: the teardown ends now; `cc-ci reap` removes what is left")
        else:
            most = f"each may take {CLOSING_DEADLINE:g} s at the most"
            self._tell(
                f"{number.name}: heard; {self._doing()}, {most};"
                " Ctrl-C once more ends it at once and leaves what is there to `cc-ci reap`"
            )
