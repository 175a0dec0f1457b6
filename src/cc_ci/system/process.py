"""The one seam through which cc-ci runs other programs."""

import contextlib
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from cc_ci.errors import CommandFailed
from cc_ci.system.redaction import Redactor
from cc_ci.system.units import Seconds


class Completed(msgspec.Struct, frozen=True, kw_only=True):
    """How a program ended; `seconds` is wall time."""

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str
    seconds: Seconds = 0.0

    @property
    def ok(self) -> bool:
        return self.returncode == 0


class Runner(Protocol):
    """Run `argv` without a shell. `env` is added to the runner's own; `stdin` is text for the program.

    Never raises for a non-zero exit: see `check`. Raises CommandFailed when the program is missing or
    outlasts `timeout` (its whole process group is then killed).
    """

    def __call__(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: Seconds | None = None,
    ) -> Completed: ...


class LocalRunner:
    """Run programs on this machine, log their command lines, redact what they print."""

    def __init__(self, *, redact: Redactor | None = None, log: Callable[[str], None] | None = None) -> None:
        self._redact = redact or Redactor()
        self._log = log or (lambda _line: None)

    def __call__(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: Seconds | None = None,
    ) -> Completed:
        line = self._redact(shlex.join(argv))
        self._log(line)
        started = time.monotonic()
        try:
            process = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, **env} if env is not None else None,
                cwd=cwd,
                text=True,
                errors="replace",
                # a group of its own: Ctrl-C reaches cc-ci alone, which then ends its children in order
                start_new_session=True,
            )
        except OSError as error:
            message = f"{argv[0]}: can't be run ({error.strerror}); `cc-ci doctor` says what is missing"
            raise CommandFailed(message, returncode=None) from error
        stdout, stderr = _communicate(process, stdin=stdin, timeout=timeout, line=line)
        return Completed(
            argv=tuple(argv),
            returncode=process.returncode,
            stdout=stdout,
            stderr=self._redact(stderr),
            seconds=time.monotonic() - started,
        )


def _communicate(
    process: subprocess.Popen[str], *, stdin: str | None, timeout: Seconds | None, line: str
) -> tuple[str, str]:
    try:
        return process.communicate(stdin, timeout=timeout)
    except subprocess.TimeoutExpired as error:
        kill_group(process)
        message = f"{line}: still running after {timeout:g} s, so it was ended"
        raise CommandFailed(message, returncode=None) from error
    except BaseException:
        kill_group(process)
        raise


def follow(
    argv: Sequence[str], *, env: Mapping[str, str], tell: Callable[[str], None], patience: Seconds = 300.0
) -> int:
    """Run a program for as long as it takes, and pass on each line it writes to stderr; hands back its exit.

    When this process is interrupted meanwhile, so is the program, which has `patience` seconds to clean up.
    """
    process = subprocess.Popen(
        list(argv),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, **env},
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        for line in process.stderr or ():
            tell(line.rstrip("\n"))
        return process.wait()
    except BaseException:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=patience)
        kill_group(process)
        raise


def kill_group(process: subprocess.Popen[str]) -> None:
    """Kill a program that was started with a session of its own, with all its children, and reap it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def check(completed: Completed, *, what: str | None = None) -> Completed:
    """Hand `completed` back, or raise CommandFailed with `what` was tried and the last line it said."""
    if completed.ok:
        return completed
    said = (completed.stderr.strip() or completed.stdout.strip() or "no output").splitlines()[-1]
    thing = what or completed.argv[0]
    raise CommandFailed(
        f"{thing}: exit {completed.returncode}: {said}",
        returncode=completed.returncode,
        stdout=completed.stdout,
        stderr=completed.stderr,
    )


class ScriptedRunner:
    """A runner for tests: answers the commands it was told about, and rejects all others.

    Answers are matched by argv prefix, the longest first. `calls` and `stdins` record what was run.
    """

    def __init__(self) -> None:
        self._answers: dict[tuple[str, ...], list[Completed]] = {}
        self.calls: list[tuple[str, ...]] = []
        self.stdins: list[str | None] = []

    def on(self, *prefix: str, stdout: str = "", stderr: str = "", returncode: int = 0) -> "ScriptedRunner":
        """Answer commands that begin with `prefix`; the last answer given for a prefix repeats."""
        answer = Completed(argv=prefix, returncode=returncode, stdout=stdout, stderr=stderr)
        self._answers.setdefault(prefix, []).append(answer)
        return self

    def __call__(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,  # noqa: ARG002 - part of the protocol
        cwd: Path | None = None,  # noqa: ARG002 - part of the protocol
        timeout: Seconds | None = None,  # noqa: ARG002 - part of the protocol
    ) -> Completed:
        call = tuple(argv)
        self.calls.append(call)
        self.stdins.append(stdin)
        for prefix in sorted(self._answers, key=len, reverse=True):
            if call[: len(prefix)] == prefix:
                answers = self._answers[prefix]
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                return msgspec.structs.replace(answer, argv=call)
        raise AssertionError(f"nobody registered this command: {shlex.join(call)}")
