"""Go's plain forms: durations, sizes, numbers as text, and shell words. Pure.

Formats as in Go's time.ParseDuration and fmt, docker's go-units and google/shlex.
"""

import re
from collections.abc import Iterator
from decimal import Decimal

NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
TERM = r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)"
SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?", re.IGNORECASE | re.ASCII)
POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
LONGEST = 2**63
LEAST_EXPONENT, LIMIT_EXPONENT = -4, 6
"""Outside of these Go's `%v` writes a float with an exponent."""
MOST_CHARACTERS = 100
"""Of a duration or size; Go refuses numbers beyond 64 bits, whatever their length."""
SPACE, QUOTES = " \t\r\n", "'\""


def nanoseconds(text: str) -> int | None:
    """`1m30s` as nanoseconds; None if it is no duration."""
    if text in ("0", "+0", "-0"):
        return 0
    if len(text) > MOST_CHARACTERS or not re.fullmatch(rf"[-+]?({TERM})+", text):
        return None
    total = sum(int(Decimal(number) * NANOSECONDS[unit]) for number, unit in re.findall(TERM, text))
    if total >= LONGEST:
        return None
    return -total if text.startswith("-") else total


def seconds(text: str) -> float:
    """A duration that was checked before, in seconds."""
    return (nanoseconds(text) or 0) / 10**9


def duration_text(value: int) -> str:
    """Nanoseconds as Go writes them: 1m30s, 500ms, 1h0m0s."""
    if value < 0:
        return "-" + duration_text(-value)
    if value < NANOSECONDS["s"]:
        unit = next((unit for unit in ("ms", "µs", "ns") if value >= NANOSECONDS[unit]), None)
        return f"{_trimmed(Decimal(value) / NANOSECONDS[unit])}{unit}" if unit else "0s"
    minutes, rest = divmod(value, NANOSECONDS["m"])
    hours, minutes_left = divmod(minutes, 60)
    text = f"{_trimmed(Decimal(rest) / NANOSECONDS['s'])}s"
    if minutes:
        text = f"{minutes_left}m{text}"
    return f"{hours}h{text}" if hours else text


def _trimmed(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def size_bytes(text: str) -> int | None:
    """`50M` or `1.5g` in bytes, powers of 1024; None if it is no size."""
    match = SIZE.fullmatch(text) if len(text) <= MOST_CHARACTERS else None
    size = int(Decimal(match[1]) * 1024 ** POWERS[match[2].lower()]) if match else LONGEST
    return size if size < LONGEST else None


def number_text(value: float) -> str:
    """A number as Go prints it: 1.5, 1e+09, 365."""
    if isinstance(value, int):
        return str(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - finite
    power = len(digits) + exponent - 1
    if LEAST_EXPONENT <= power < LIMIT_EXPONENT:
        return _trimmed(Decimal(repr(value)))
    mantissa = "".join(map(str, digits))
    text = mantissa[0] + (f".{mantissa[1:]}" if len(mantissa) > 1 else "")
    return f"{'-' if sign else ''}{text}e{'-' if power < 0 else '+'}{abs(power):02d}"


def shell_words(text: str) -> list[str] | None:
    """Split as the stack loader splits a command; None for a quote that is not closed."""
    words: list[str] = []
    characters = iter(text)
    for character in characters:
        if character in SPACE:
            continue
        if character == "#":
            next((c for c in characters if c == "\n"), None)
            continue
        word = _word(character, characters)
        if word is None:
            return None
        words.append(word)
    return words


def _word(character: str | None, characters: Iterator[str]) -> str | None:
    word = ""
    while character is not None and character not in SPACE:
        piece = _quoted(character, characters) if character in QUOTES else _bare(character, characters)
        if piece is None:
            return None
        word += piece
        character = next(characters, None)
    return word


def _bare(character: str, characters: Iterator[str]) -> str | None:
    return next(characters, None) if character == "\\" else character


def _quoted(quote: str, characters: Iterator[str]) -> str | None:
    piece = ""
    for character in characters:
        if character == quote:
            return piece
        escaped = quote == '"' and character == "\\"
        piece += next(characters, "") if escaped else character
    return None
