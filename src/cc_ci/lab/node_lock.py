"""One command at a time on a node, and only one that has the node's data."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock

from cc_ci.errors import UsageError
from cc_ci.lab.places import Places
from cc_ci.system.files import runtime_root


@contextlib.contextmanager
def locked(node: Places, *, say: Callable[[str], None]) -> Iterator[Path]:
    """Wait for other commands that work on the node; hands out the lock's file."""
    runtime_root().mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(runtime_root() / f"{node.name}.lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        say(f"node {node.name}: waiting for another command that works on it")
        lock.acquire()
    try:
        yield Path(lock.lock_file)
    finally:
        lock.release()


def require_own(node: Places) -> None:
    """Raise UsageError where the node is up from another state folder: its engine is another's."""
    owner = node.owner.read_text() if node.owner.exists() else str(node.state)
    # a folder behind a link is the same folder
    if Path(owner).resolve() != node.state.resolve():
        raise UsageError(
            f"node {node.name}: it is up with its data in {owner}, and not in {node.state}; "
            "give this one another name, or set CC_CI_RUNTIME as well as CC_CI_STATE"
        )
