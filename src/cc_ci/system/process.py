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

from cc_ci.errors import CommandFailed, TimedOut
from cc_ci.system import stopping
from cc_ci.system.bounded import OUTPUT_LIMIT, Kept, collect, lines
from cc_ci.system.environment import for_child
from cc_ci.system.redaction import Redactor
from cc_ci.system.units import Bytes, Seconds


class Completed(msgspec.Struct, frozen=True, kw_only=True):
    """How a program ended; `seconds` is wall time, `cpu_seconds` that of it and of those it waited for."""

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str
    seconds: Seconds = 0.0
    cpu_seconds: Seconds = 0.0
    dropped: Bytes = 0
    """How much of stdout is missing in its middle, where a line says so: see `check_whole`."""

    @property
    def ok(self) -> bool:
        return self.returncode == 0


class Runner(Protocol):
    """Run `argv` without a shell; `stdin` is text for the program.

    Its environment is `env`, and the few variables that every program gets. Of each stream OUTPUT_LIMIT bytes
    are kept: the beginning and the end.

    Never raises for a non-zero exit: see `check`. Raises CommandFailed when the program is missing, TimedOut
    when it outlasts `timeout`, Stopped when the thread is told to stop meanwhile (its whole process group is
    killed then).
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


class _Counted(subprocess.Popen[bytes]):
    """Knows what CPU time its program took: the kernel tells it to whoever waits for its end."""

    cpu_seconds: Seconds = 0.0

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        """As the standard library's, which asks for the exit alone."""
        try:
            pid, status, usage = os.wait4(self.pid, wait_flags)
        except ChildProcessError:
            return self.pid, 0
        if pid:
            self.cpu_seconds = usage.ru_utime + usage.ru_stime
        return pid, status


class LocalRunner:
    """Run programs on this machine, log their command lines, redact what they print."""

    def __init__(
        self,
        *,
        redact: Redactor | None = None,
        log: Callable[[str], None] | None = None,
        limit: Bytes = OUTPUT_LIMIT,
    ) -> None:
        self._redact = redact or Redactor()
        self._log = log or (lambda _line: None)
        self._limit = limit

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
            process = _Counted(
                list(argv),
                stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=for_child(env),
                cwd=cwd,
                # a group of its own: Ctrl-C reaches cc-ci alone, which then ends its children in order
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            # a zero byte in an argument is a ValueError
            reason = error.strerror if isinstance(error, OSError) else error
            message = f"{argv[0]}: can't be run ({reason}); `cc-ci doctor` says what is missing"
            raise CommandFailed(message, returncode=None) from error
        stdout, stderr = self._collected(process, stdin=stdin, timeout=timeout, line=line)
        return Completed(
            argv=tuple(argv),
            returncode=process.returncode,
            stdout=stdout.text(),
            stderr=self._redact(stderr.text()),
            seconds=time.monotonic() - started,
            cpu_seconds=process.cpu_seconds,
            dropped=stdout.dropped,
        )

    def _collected(
        self, process: subprocess.Popen[bytes], *, stdin: str | None, timeout: Seconds | None, line: str
    ) -> tuple[Kept, Kept]:
        given = None if stdin is None else stdin.encode(errors="replace")
        stop = stopping.current()
        try:
            with stop.watched(lambda: _end_group(process)):
                output = collect(process, stdin=given, timeout=timeout, limit=self._limit)
            stop.check()
        except subprocess.TimeoutExpired as error:
            kill_group(process)
            message = f"{line}: still running after {timeout:g} s, so it was ended"
            raise TimedOut(message, returncode=None) from error
        except BaseException:
            kill_group(process)
            raise
        return output


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
        env=for_child(env),
        start_new_session=True,
    )
    assert process.stderr  # noqa: S101 - it is a pipe
    try:
        for line in lines(process.stderr):
            tell(line)
        return process.wait()
    except BaseException:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            collect(process, stdin=None, timeout=patience, limit=0)
        kill_group(process)
        raise


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a program that was started with a session of its own, with all its children, and reap it."""
    _end_group(process)
    # its streams are not read to their ends: a child that left the group may hold them open for ever
    process.wait()


def _end_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


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


def check_whole(completed: Completed, *, what: str | None = None) -> Completed:
    """As `check`, for output that is parsed: also raises CommandFailed where part of stdout was dropped."""
    check(completed, what=what)
    if completed.dropped:
        thing = what or completed.argv[0]
        raise CommandFailed(
            f"{thing}: its answer is {completed.dropped} bytes longer than is read, so none of it is used",
            returncode=completed.returncode,
        )
    return completed


class ScriptedRunner:
    """A runner for tests: answers the commands it was told about, and rejects all others.

    Answers are matched by argv prefix, the longest first. `calls`, `stdins` and `environments` record what
    was run.
    """

    def __init__(self) -> None:
        self._answers: dict[tuple[str, ...], list[Completed]] = {}
        self.calls: list[tuple[str, ...]] = []
        self.stdins: list[str | None] = []
        self.environments: list[Mapping[str, str]] = []

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
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,  # noqa: ARG002 - part of the protocol
        timeout: Seconds | None = None,  # noqa: ARG002 - part of the protocol
    ) -> Completed:
        call = tuple(argv)
        self.calls.append(call)
        self.stdins.append(stdin)
        self.environments.append(env or {})
        for prefix in sorted(self._answers, key=len, reverse=True):
            if call[: len(prefix)] == prefix:
                answers = self._answers[prefix]
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                return msgspec.structs.replace(answer, argv=call)
        raise AssertionError(f"nobody registered this command: {shlex.join(call)}")
