"""One measurement at a time on a machine, and nothing beside it that takes its CPU."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

import filelock

from cc_ci.errors import InfrastructureError
from cc_ci.system.files import runtime_root

LOCK = "measuring.lock"
MEASURED_VARIABLE = "CC_CI_MEASURED"
"""Set for the runs that are being measured: they don't disturb their own measurement."""
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def measuring() -> Iterator[None]:
    """Hold the machine's measuring lock; what ends the process takes the run and its node down in order.

    Raises InfrastructureError when another measurement has the lock.
    """
    runtime_root().mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(runtime_root() / LOCK)
    try:
        # who looks whether it is free has it for an instant
        lock.acquire(timeout=1)
    except filelock.Timeout as error:
        raise InfrastructureError(
            f"{lock.lock_file}: another measurement is under way; begin when it has ended"
        ) from error
    before = {number: signal.signal(number, _end) for number in ENDING}
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)
        lock.release()


def _end(_number: int, _frame: FrameType | None) -> None:
    """As Ctrl-C does, which a shell lets its background jobs ignore. Once: a teardown can't be hurried."""
    for number in ENDING:
        signal.signal(number, _go_on)
    raise KeyboardInterrupt


def _go_on(_number: int, _frame: FrameType | None) -> None:
    """Not SIG_IGN, which the programs that the teardown starts would inherit."""


def under_way() -> bool:
    """Whether a measurement is under way, which anything that takes CPU would make void."""
    lock = filelock.FileLock(runtime_root() / LOCK)
    if not (runtime_root() / LOCK).exists():
        return False
    try:
        with lock.acquire(timeout=0):
            return False
    except filelock.Timeout:
        return True
    except OSError:  # another user's lock, of which nothing can be told
        return False
