"""Threads that work for the one that starts them: under its stop token, in its span."""

import contextvars
import functools
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from types import TracebackType
from typing import ParamSpec, TypeVar

from cc_ci.errors import Stopped
from cc_ci.system import stopping
from cc_ci.system.stopping import StopToken

P = ParamSpec("P")
R = TypeVar("R")


def carried(work: Callable[P, R]) -> Callable[P, R]:
    """`work`, to be called in another thread as if in this one; each call has a copy of what holds here."""
    here = contextvars.copy_context()

    @functools.wraps(work)
    def there(*args: P.args, **kwargs: P.kwargs) -> R:
        return here.copy().run(work, *args, **kwargs)

    return there


class Pool(Executor):
    """Threads whose work is carried, one for each piece, and which nobody waits for.

    The standard library's pool waits for its threads when its block is left, and again when Python ends: one
    piece of work that hangs holds a run for ever. Here what is still at work when the block is left is told
    to stop, and left behind if it does not.
    """

    def __init__(self, _most: int = 0) -> None:
        self._scope = StopToken()
        self._outer = stopping.current()

    def submit(self, work: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        future: Future[R] = Future()

        def worked() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                with stopping.under(self._scope), self._outer.passed_on(self._scope):
                    result = work(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
                future.set_exception(error)
            else:
                future.set_result(result)

        threading.Thread(target=carried(worked), name="pool", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        """Tell what is still at work that nobody waits for it any more."""
        self._scope.stop(Stopped("its result is not waited for any more"))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        self.shutdown(wait=False)
        return None
