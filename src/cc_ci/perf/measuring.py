"""One measurement at a time on a machine, and nothing beside it that takes its CPU."""

import contextlib
from collections.abc import Iterator

import filelock

from cc_ci.errors import InfrastructureError
from cc_ci.system.files import runtime_root

LOCK = "measuring.lock"


@contextlib.contextmanager
def measuring() -> Iterator[None]:
    """Hold the machine's measuring lock. Raises InfrastructureError when another measurement has it."""
    runtime_root().mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(runtime_root() / LOCK)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        raise InfrastructureError(
            f"{lock.lock_file}: another measurement is under way; begin when it has ended"
        ) from error
    try:
        yield
    finally:
        lock.release()


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
