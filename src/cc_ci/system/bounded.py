"""Output of other programs, read to its end and kept within a limit: both ends, and what is missing.

The program is never held up: what goes beyond is read and thrown away.
"""

import os
import re
import select
import selectors
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Self

from cc_ci.system.units import Bytes, Seconds

OUTPUT_LIMIT: Bytes = 8 * 1024 * 1024
"""Of one stream of one program, and of one file of evidence."""
LINE_LIMIT: Bytes = 64 * 1024
"""Of one line that is passed on while a program works."""
DRAIN: Seconds = 2.0
"""How long a program that has ended is listened to: a child of its own may hold the other end open."""
CHUNK: Bytes = 64 * 1024
CUT = re.compile(r"\[cc-ci: \d+ bytes are missing here\]")


def cut_mark(dropped: Bytes) -> str:
    """The line that stands where something was dropped."""
    return f"[cc-ci: {dropped} bytes are missing here]"


class Kept:
    """The first and the last half of what is at most `limit` bytes; `dropped` counts those between."""

    def __init__(self, limit: Bytes) -> None:
        self._half = limit // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._gone: Bytes = 0

    @property
    def dropped(self) -> Bytes:
        return self._gone + max(0, len(self._tail) - self._half)

    def add(self, part: bytes) -> None:
        room = self._half - len(self._head)
        self._head += part[:room]
        self._tail += part[room:] if room > 0 else part
        # taken off now and then: each time would move all of the tail for a few bytes
        if len(self._tail) > 2 * self._half + CHUNK:
            self._trim()

    def text(self) -> str:
        """All of it, or both ends and between them a line that says how much is missing."""
        self._trim()
        if not self.dropped:
            return _decoded(self._head + self._tail)
        return f"{_decoded(self._head)}\n{cut_mark(self.dropped)}\n{_decoded(self._tail)}"

    def _trim(self) -> None:
        if (beyond := len(self._tail) - self._half) > 0:
            del self._tail[:beyond]
            self._gone += beyond


def _decoded(content: bytes | bytearray) -> str:
    text = content.decode(errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def capped(text: str, limit: Bytes = OUTPUT_LIMIT) -> str:
    """`text`, or its two ends with a last line that says that it was cut."""
    content = text.encode(errors="replace")
    if len(content) <= limit:
        return text
    half = limit // 2
    dropped = len(content) - 2 * half
    return _both_ends(content[:half], content[len(content) - half :], dropped=dropped, size=len(content))


def read_ends(path: Path, limit: Bytes = OUTPUT_LIMIT) -> str:
    """The text of a file, or its two ends with a last line that says that it was cut."""
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        if size <= limit:
            return stream.read(limit).decode(errors="replace")
        first = stream.read(limit // 2)
        stream.seek(size - limit // 2)
        last = stream.read(limit // 2)
    return _both_ends(first, last, dropped=size - 2 * (limit // 2), size=size)


def _both_ends(first: bytes | bytearray, last: bytes | bytearray, *, dropped: Bytes, size: Bytes) -> str:
    text = f"{_decoded(first)}\n{cut_mark(dropped)}\n{_decoded(last).rstrip()}"
    return f"{text}\n[cc-ci: this was cut: {dropped} of {size} bytes are missing]\n"


def collect(
    process: subprocess.Popen[bytes], *, stdin: bytes | None, timeout: Seconds | None, limit: Bytes
) -> tuple[Kept, Kept]:
    """Write `stdin`, read both streams to their ends and wait; as `Popen.communicate`, within `limit`.

    Raises subprocess.TimeoutExpired; the program then still runs.
    """
    kept = Kept(limit), Kept(limit)
    deadline = None if timeout is None else time.monotonic() + timeout
    with _Exchange(process, kept, stdin or b"") as exchange:
        while exchange.goes_on:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise subprocess.TimeoutExpired(process.args, timeout or 0)
            exchange.turn(left)
    process.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
    return kept


class _Exchange:
    """What is still to be read from and written to one program."""

    def __init__(self, process: subprocess.Popen[bytes], kept: tuple[Kept, Kept], stdin: bytes) -> None:
        self._process = process
        self._input = memoryview(stdin)
        self._selector = selectors.DefaultSelector()
        self._open: set[int] = set()
        self._ended: Seconds | None = None
        for stream, into in zip((process.stdout, process.stderr), kept, strict=True):
            if stream:
                self._selector.register(stream, selectors.EVENT_READ, into)
                self._open.add(stream.fileno())
        if process.stdin:
            self._selector.register(process.stdin, selectors.EVENT_WRITE)
            self._open.add(process.stdin.fileno())
        self._process_fd = self._watch_end()

    def _watch_end(self) -> int | None:
        try:
            descriptor = os.pidfd_open(self._process.pid)
        except OSError:
            # a kernel or a sandbox without it: then a pipe that is held open is waited for
            return None
        self._selector.register(descriptor, selectors.EVENT_READ)
        return descriptor

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()
        if self._process_fd is not None:
            os.close(self._process_fd)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream:
                stream.close()

    @property
    def goes_on(self) -> bool:
        held_open = self._ended is not None and time.monotonic() >= self._ended + DRAIN
        return bool(self._open) and not held_open

    def turn(self, timeout: Seconds | None) -> None:
        """Move what can be moved now; wait for that no longer than `timeout`."""
        if self._ended is not None:
            left = max(0.0, self._ended + DRAIN - time.monotonic())
            timeout = left if timeout is None else min(left, timeout)
        for key, _ in self._selector.select(timeout):
            if key.fd == self._process_fd:
                self._selector.unregister(key.fileobj)
                self._ended = time.monotonic()
            elif key.data is None:
                self._write(key)
            elif part := os.read(key.fd, CHUNK):
                key.data.add(part)
            else:
                self._done(key)

    def _write(self, key: selectors.SelectorKey) -> None:
        try:
            self._input = self._input[os.write(key.fd, self._input[: select.PIPE_BUF]) :]
        except BrokenPipeError:
            self._input = self._input[:0]
        if not self._input:
            self._done(key)
            assert self._process.stdin  # noqa: S101 - it is what was registered
            self._process.stdin.close()

    def _done(self, key: selectors.SelectorKey) -> None:
        self._selector.unregister(key.fileobj)
        self._open.discard(key.fd)


def lines(stream: IO[bytes], *, limit: Bytes = LINE_LIMIT) -> Iterator[str]:
    """The lines of a stream as they come, without their ends; what a line has beyond `limit` is left out."""
    while part := stream.readline(limit):
        line, dropped = part, 0
        while not part.endswith(b"\n") and (part := stream.readline(CHUNK)):
            dropped += len(part)
        text = line.decode(errors="replace").rstrip("\r\n")
        yield f"{text} {cut_mark(dropped)}" if dropped else text
