"""Programs that the guard starts: one seam, so that tests put scripted ones in their place."""

import os
import subprocess
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


def run_program(argv: Sequence[str], *, env: Mapping[str, str], log: Path, timeout: float) -> Ended:
    started = time.monotonic()
    with log.open("wb") as said:
        process = subprocess.Popen(
            argv, env={**os.environ, **env}, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
        )
        try:
            code: int | None = process.wait(timeout)
        except BaseException as error:
            _end(process)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            code = None
    return Ended(returncode=code, seconds=time.monotonic() - started)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Tell it to end, by force only if it does not. What was started in the background is deaf to SIGINT."""
    process.terminate()
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


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
