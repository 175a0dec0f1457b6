"""How work is told to stop, in whichever thread it is done: a token that all that waits looks at.

Each thread works under one token, the current one. Clocks, waits, event streams and running programs look at
it by themselves; a long loop of another kind calls `current().check()`. A shield is no more than another
token: what works under it does not hear of a stop that is meant for others.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from cc_ci.errors import DeadlinePassed, Stopped
from cc_ci.system.units import Seconds


class StopToken:
    """Told to stop once, by the first reason; safe to share between threads."""

    def __init__(self) -> None:
        # reentrant: a watcher may ask for the reason
        self._lock = threading.RLock()
        self._told = threading.Event()
        self._reason: Stopped | None = None
        self._watchers: list[Callable[[], None]] = []

    @property
    def reason(self) -> Stopped | None:
        return self._reason

    def stop(self, reason: Stopped) -> bool:
        """Wake all that wait under it. A later reason changes nothing: False."""
        with self._lock:
            if self._reason is not None:
                return False
            self._reason = reason
            self._told.set()
            # under the lock: no one is woken whose block is over
            for wake in self._watchers:
                wake()
        return True

    def check(self) -> None:
        """Raise the reason if there is one; a new error each time, since several threads may raise it."""
        if self._reason is not None:
            raise type(self._reason)(*self._reason.args)

    def sleep(self, seconds: Seconds) -> None:
        """Sleep for so long; raises the reason as soon as there is one."""
        self._told.wait(max(0.0, seconds))
        self.check()

    @contextlib.contextmanager
    def watched(self, wake: Callable[[], None]) -> Iterator[None]:
        """Call `wake`, which must not raise, if a stop comes in the block's time; at once if it has come."""
        with self._lock:
            self._watchers.append(wake)
            if self._reason is not None:
                wake()
        try:
            yield
        finally:
            with self._lock:
                self._watchers.remove(wake)

    @contextlib.contextmanager
    def passed_on(self, inner: "StopToken") -> Iterator[None]:
        """Tell `inner`, the token of a part of the work, what this one is told; not the other way round."""

        def tell() -> None:
            if self._reason is not None:
                inner.stop(self._reason)

        with self.watched(tell):
            yield

    @contextlib.contextmanager
    def within(self, seconds: Seconds, late: Stopped) -> Iterator[None]:
        """Tell it `late` if the block takes longer than that."""
        timer = threading.Timer(seconds, self.stop, [late])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


_current: ContextVar[StopToken | None] = ContextVar("cc_ci_stop", default=None)
_nobodys = StopToken()


def current() -> StopToken:
    """The token that this thread works under; one that is never told where there is none."""
    return _current.get() or _nobodys


@contextlib.contextmanager
def limited(seconds: Seconds, what: str) -> Iterator[None]:
    """Give the block a time of its own: in it, DeadlinePassed is raised where it waits once that is over.

    It hears of a stop of the thread's as well; whoever catches the one has to look for the other.
    """
    scope = StopToken()
    late = DeadlinePassed(f"{what}: not done after {seconds:g} s")
    with current().passed_on(scope), scope.within(seconds, late), under(scope):
        yield


@contextlib.contextmanager
def under(token: StopToken) -> Iterator[StopToken]:
    before = _current.set(token)
    try:
        yield token
    finally:
        _current.reset(before)
