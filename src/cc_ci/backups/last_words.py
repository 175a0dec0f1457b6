"""What a program that failed said of why: its first error and its last line, not its help. Pure."""

import re
from collections.abc import Iterator, Sequence

from cc_ci.system.printable import printable
from cc_ci.system.process import Completed

USAGE = re.compile(r"\s*usage\b", re.IGNORECASE)
HINT = re.compile(r"try\b.*\bhelp\b|.*\bmulti-call binary\b|.*--help\b.*\bmore information\b", re.IGNORECASE)
ERROR = re.compile(
    r"\b(error|errors|fatal|failed|failure|cannot|can't|could not|unable|denied|refused|invalid|unknown"
    r"|illegal|unrecognized|missing|panic|exception|no such|not found|not permitted|no space|timed? ?out"
    r"|killed)\b",
    re.IGNORECASE,
)
LONGEST = 300
"""Letters of one line."""


def last_words(completed: Completed) -> str:
    """One line. stderr speaks for the program, unless only stdout has an error in it."""
    streams = [_telling(completed.stderr), _telling(completed.stdout)]
    spoken = [lines for lines in streams if lines]
    if not spoken:
        return _shortened((_lines(completed.stderr) or _lines(completed.stdout) or ["no output"])[-1])
    lines = next((one for one in spoken if any(map(ERROR.search, one))), spoken[0])
    first, last = next(filter(ERROR.search, lines), lines[-1]), lines[-1]
    return _shortened(first) + (f"; at last: {_shortened(last)}" if last != first else "")


def _telling(text: str) -> list[str]:
    return list(_without_help(_lines(text)))


def _without_help(lines: Sequence[str]) -> Iterator[str]:
    """A line of usage, and what follows it, is no reason, until a line speaks of an error."""
    in_help = False
    for line in lines:
        if HINT.match(line) or USAGE.match(line):
            in_help = in_help or bool(USAGE.match(line))
            continue
        in_help = in_help and not ERROR.search(line)
        if not in_help:
            yield line


def _lines(text: str) -> list[str]:
    return [line.strip() for line in printable(text).splitlines() if line.strip()]


def _shortened(line: str) -> str:
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."
