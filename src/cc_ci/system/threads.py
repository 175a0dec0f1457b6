"""Threads that work for the one that starts them: under its stop token, in its span."""

import contextvars
import functools
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def carried(work: Callable[P, R]) -> Callable[P, R]:
    """`work`, to be called in another thread as if in this one; each call has a copy of what holds here."""
    here = contextvars.copy_context()

    @functools.wraps(work)
    def there(*args: P.args, **kwargs: P.kwargs) -> R:
        return here.copy().run(work, *args, **kwargs)

    return there


class Pool(ThreadPoolExecutor):
    """A pool of threads whose work is carried."""

    def submit(self, work: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        return super().submit(carried(work), *args, **kwargs)
