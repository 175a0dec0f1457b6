"""What a seed writes so that losses of every kind show: short, long, in many scripts, binary.

All of it follows from the marker's value: a seed reads the value back, and knows by it what else has to be
there, byte by byte. Suites import it: `from cc_ci.suite.contents import contents, difference`.
"""

import hashlib
import itertools

import msgspec

LETTERS = "Grüße, żółw, Ελλάδα, 你好, שלום, 🐙"
SIGNS = "\\. \\N \\\\ ' \" ` $1 ${HOME} %s {{ x }} <b>&amp;</b> -- /* \t|"
"""What dumps, shells, templates and pages have a meaning for."""
LONG = 70_000
BINARY = 200_000
"""Both are beyond 64 kB, where many a field, buffer and default limit ends."""


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """`letters` is one line. `long` has many, and more bytes than characters."""

    short: str
    letters: str
    long: str
    binary: bytes


def contents(value: str, *, long: int = LONG, binary: int = BINARY) -> Contents:
    """What belongs to the marker `value`; `long` is in characters, `binary` in bytes."""
    return Contents(
        short=value,
        letters=f"{LETTERS}: {value}",
        long=_long(value, long),
        binary=(bytes(range(256)) + hashlib.shake_256(value.encode()).digest(binary))[:binary],
    )


def _long(value: str, size: int) -> str:
    """No two lines are alike, and the last character is the end: a piece that is gone shows."""
    room = size - 1
    lines: list[str] = []
    for number in itertools.count(1):
        line = f"{number} {value} {LETTERS} {SIGNS}\n"
        if len(line) > room:
            return "".join(lines) + "~" * room + "."
        lines.append(line)
        room -= len(line)
    raise AssertionError


def difference(wanted: str | bytes, found: str | bytes | None) -> str | None:
    """How `found` differs from what was written, in a few words; None if it does not."""
    if found == wanted:
        return None
    if found is None or type(found) is not type(wanted):
        return (
            f"{'nothing' if found is None else type(found).__name__} instead of {len(wanted)} {_unit(wanted)}"
        )
    pairs = enumerate(zip(wanted, found, strict=False))
    first = next((place for place, (one, other) in pairs if one != other), min(len(wanted), len(found)))
    there, due = found[first : first + 20], wanted[first : first + 20]
    sizes = f"{len(found)} {_unit(wanted)}, {len(wanted)} were written"
    return f"{sizes}; from number {first} on it is {there!r} instead of {due!r}"


def _unit(content: str | bytes) -> str:
    return "characters" if isinstance(content, str) else "bytes"
