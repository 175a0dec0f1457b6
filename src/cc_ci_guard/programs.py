"""Programs that the guard starts: one seam, so that tests put scripted ones in their place."""

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from cc_ci_guard.errors import GuardBlindError

GRACE_SECONDS = 90.0
"""For a run that is told to end: it takes its app down first."""


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """`returncode` is None for a program that had to be ended."""

    returncode: int | None
    seconds: float


class Program(Protocol):
    """Runs argv, with all that it says in the file `log`, and ends it after `timeout` seconds."""

    def __call__(
        self, argv: Sequence[str], *, env: Mapping[str, str], log: Path, timeout: float
    ) -> Ended: ...

    def end(self) -> None:
        """Tell all that run to end, from another thread."""


class LocalPrograms:
    """Programs on this machine. Safe to share: `end` tells all that run to end, from another thread, too."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()

    def __call__(self, argv: Sequence[str], *, env: Mapping[str, str], log: Path, timeout: float) -> Ended:
        started = time.monotonic()
        with log.open("wb") as said:
            process = subprocess.Popen(
                argv,
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
            with self._lock:
                self._running.add(process)
            try:
                code = _waited(process, timeout)
            finally:
                with self._lock:
                    self._running.discard(process)
        return Ended(returncode=code, seconds=time.monotonic() - started)

    def end(self) -> None:
        with self._lock:
            for process in self._running:
                process.terminate()


def _waited(process: subprocess.Popen[bytes], timeout: float) -> int | None:
    """Its exit code; None for one that had to be ended, which is told first, since it takes its app down."""
    for patience in (timeout, GRACE_SECONDS):
        try:
            code = process.wait(patience)
        except subprocess.TimeoutExpired:
            process.terminate()
        else:
            return code if patience == timeout else None
    process.kill()
    process.wait()
    return None


def said_by(argv: Sequence[str], *, env: Mapping[str, str] | None = None, timeout: float = 60.0) -> str:
    """What a short program says. Raises GuardBlindError with its last line where it fails."""
    try:
        done = subprocess.run(
            argv,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GuardBlindError(f"{argv[0]}: {error}") from error
    if done.returncode:
        last = (done.stderr.strip() or "it said nothing").splitlines()[-1]
        raise GuardBlindError(f"{argv[0]} {argv[1] if len(argv) > 1 else ''}: exit {done.returncode}: {last}")
    return done.stdout
