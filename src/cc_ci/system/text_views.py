"""A text as it reads once the escapes of URLs, HTML and JSON are resolved, without a terminal's colours."""

import bisect
import re
from array import array
from collections.abc import Iterator, Sequence
from html.entities import html5

DEEPEST = 3
"""Escapes of escapes are resolved so often: JSON in JSON, a URL in HTML."""
PERCENT, BACKSLASH_X = len("%41"), len("\\x41")
ESCAPE = re.compile(
    r"(?P<percent>(?:%[0-9A-Fa-f]{2})+)"
    r"|&(?P<entity>#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});"
    r"|\\u(?P<pair>[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2})"
    r"|(?P<bytes>(?:\\x[0-9A-Fa-f]{2})+)"
    r"|\\(?:u(?P<four>[0-9A-Fa-f]{4})|(?P<short>[nrtbf/\"'\\]))"
    r"|(?P<colour>\x1b\[[0-?]*[ -/]*[@-~])"
)
SHORT = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


class View:
    """A text, and where its letters stand in the text that it was made of.

    `origin` is the view of that one; the first text of all begins at `offset` of a longer one.
    """

    def __init__(
        self,
        text: str,
        *,
        starts: Sequence[int] = (),
        places: Sequence[int] = (),
        origin: "View | None" = None,
        offset: int = 0,
    ) -> None:
        self.text = text
        self._starts = starts
        self._places = places
        self._origin = origin
        self._offset = offset

    @property
    def resolved(self) -> Sequence[int]:
        """Where what was an escape begins; nothing that has none of these is new in this view."""
        return self._starts

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where the letters from `start` to before `end` stand in the first text of all."""
        if self._origin is None:
            return start + self._offset, end + self._offset
        return self._origin.span(self._place(start), self._end(end))

    def _place(self, at: int) -> int:
        step = bisect.bisect_right(self._starts, at) - 1
        return at if step < 0 else self._places[step] + (at - self._starts[step])

    def _end(self, at: int) -> int:
        """Behind the letter before `at`, with all of its escape."""
        step = bisect.bisect_right(self._starts, at) - 1
        if step >= 0 and self._starts[step] == at:
            # a letter or an escape begins at `at`: what was before it ended where this begins
            first = bisect.bisect_left(self._starts, at)
            return self._places[first]
        return self._place(at)


def views(text: str, *, offset: int = 0) -> Iterator[View]:
    """The text itself, then with its escapes resolved, as long as there are any."""
    view = View(text, offset=offset)
    yield view
    for _ in range(DEEPEST):
        if ESCAPE.search(view.text) is None:
            return
        view = _resolved(view)
        yield view


def _resolved(view: View) -> View:
    parts: list[str] = []
    starts, places = array("L"), array("L")
    length = past = 0
    for match in ESCAPE.finditer(view.text):
        plain = view.text[past : match.start()]
        parts.append(plain)
        length += len(plain)
        place = match.start()
        for letters, width in _letters(match):
            starts.append(length)
            places.append(place)
            parts.append(letters)
            length += len(letters)
            place += width
        past = match.end()
        # what follows stands one to one again
        starts.append(length)
        places.append(past)
    parts.append(view.text[past:])
    return View("".join(parts), starts=starts, places=places, origin=view)


def _letters(match: re.Match[str]) -> Iterator[tuple[str, int]]:
    """What an escape stands for, and how wide each part of it is."""
    whole = match[0]
    if match["percent"]:
        for letter in bytes.fromhex(whole.replace("%", "")).decode(errors="surrogateescape"):
            yield letter, PERCENT * len(letter.encode(errors="surrogateescape"))
    elif match["bytes"]:
        yield from _backslash_x(bytes.fromhex(whole.replace("\\x", "")))
    elif match["entity"]:
        yield _entity(match["entity"], whole), len(whole)
    elif match["colour"]:
        yield "", len(whole)
    elif match["pair"]:
        high, low = (int(digits, 16) for digits in match["pair"].split("\\u"))
        yield chr(0x10000 + ((high & 0x3FF) << 10) + (low & 0x3FF)), len(whole)
    elif digits := match["four"]:
        yield chr(int(digits, 16)), len(whole)
    else:
        yield SHORT.get(match["short"], match["short"]), len(whole)


def _backslash_x(content: bytes) -> Iterator[tuple[str, int]]:
    """Bytes in some languages, and in others the first letters of Unicode."""
    try:
        letters = content.decode()
    except UnicodeDecodeError:
        yield from ((letter, BACKSLASH_X) for letter in content.decode("latin-1"))
    else:
        yield from ((letter, BACKSLASH_X * len(letter.encode())) for letter in letters)


def _entity(name: str, whole: str) -> str:
    if not name.startswith("#"):
        return html5.get(f"{name};", whole)
    number = int(f"0{name[1:]}", 0) if name[1] in "xX" else int(name[1:])
    return chr(number) if number <= 0x10FFFF else whole  # noqa: PLR2004 - the last there is
