"""Find the forms of secrets in a text: whole, and in pieces over line ends with whatever stands between.

Cost: one search of the whole text for each form, and a look-up for each line. An app can write what it likes:
so whatever would multiply is limited, and the limits are far above what a log has by itself.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import msgspec

from cc_ci.system.secret_forms import Form
from cc_ci.system.text_views import View

Stretch = tuple[int, int]
_Begun = dict[tuple[int, int], tuple[Stretch, ...]]
"""By a form's number and how many of its letters were seen: where they stand."""

LEAST_WRAPPED = 8
"""Shorter values are not looked for in pieces: too much that is none would be found."""
LONGEST_WRAPPED = 1024
EDGE = 2
"""So few letters at either end may stand in another line, or be cut off: the rest is sign enough."""
LEAST_CORE = 8
FIRST_PIECE = 3
PREFIX_LIMIT = 256
"""How far from a line's beginning the last piece may stand: behind a stamp, a level, a name."""
SURE_PIECE = 4
"""A last piece that is shorter is looked for where a word begins."""
MOST_BEGUN = 32
MOST_ALIKE = 64
TRAILING = " \t\r\\"
"""May stand behind a piece: where a line is continued, a backslash."""
TINY_RUN = 4
"""Letters in a row that stand one or two to a line: a text that was wrapped very narrowly."""


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    """One occurrence; `spans` are its pieces, in the text that the view was made of."""

    form: Form
    spans: tuple[Stretch, ...]


class Search:
    """The forms of all secrets, made ready once."""

    def __init__(self, forms: Iterable[Form]) -> None:
        self.forms = sorted(forms, key=lambda form: len(form.text), reverse=True)
        self._cores = [(_core(form.text), form) for form in self.forms]
        self.widest = max((len(form.text) for form in self.forms), default=0)
        flat = ((form, _flat(form.text)) for form in self.forms)
        self._wrapped = [(form, text) for form, text in flat if LEAST_WRAPPED <= len(text) <= LONGEST_WRAPPED]
        self._tails: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for number, (_, text) in enumerate(self._wrapped):
            for length in range(FIRST_PIECE, len(text)):
                alike = self._tails[text[length - FIRST_PIECE : length]]
                if len(alike) < MOST_ALIKE:
                    alike.append((number, length))

    def __call__(self, view: View) -> Iterator[Occurrence]:
        for start, end in self._regions(view):
            for form, first, last in self._whole(view.text, start, end):
                yield Occurrence(form=form, spans=(view.span(first, last),))
        yield from self._in_pieces(view)

    def _regions(self, view: View) -> Iterator[Stretch]:
        """All of the first text; of a view the surroundings of what was resolved: the rest was searched."""
        if not view.resolved:
            yield 0, len(view.text)
            return
        start = end = max(0, view.resolved[0] - self.widest)
        for at in view.resolved:
            if at - self.widest > end:
                yield start, end
                start = at - self.widest
            end = at + self.widest
        yield start, end

    def _whole(self, text: str, start: int, end: int) -> Iterator[tuple[Form, int, int]]:
        for (core, skipped), form in self._cores:
            at = text.find(core, start, end)
            while at >= 0:
                yield form, *_extent(text, at - skipped, form)
                at = text.find(core, at + len(core), end)

    def _in_pieces(self, view: View) -> Iterator[Occurrence]:
        """Follow each beginning of a form at a line's end through the next lines."""
        begun: _Begun = {}
        tiny: list[int] = []
        before = ("", 0)
        at = 0
        for line in view.text.split("\n"):
            # an empty line ends nothing
            if tail := line.rstrip(TRAILING):
                if begun:
                    yield from self._ended(view, line, at, begun)
                going_on = self._going_on(tail, at + len(tail), begun, before)
                begun, before = dict(islice(going_on, MOST_BEGUN)), (tail, at + len(tail))
                if (size := _tiny(tail)) == 0 and tiny:
                    yield from self._narrow(view, tiny)
                    tiny = []
                tiny += range(at + len(tail) - size, at + len(tail))
            at += len(line) + 1
        yield from self._narrow(view, tiny)

    def _narrow(self, view: View, letters: Sequence[int]) -> Iterator[Occurrence]:
        """Letters that stood one or two to a line, behind whatever each line began with."""
        if len(letters) < TINY_RUN:
            return
        text = "".join(view.text[at] for at in letters)
        for form, first, last in self._whole(text, 0, len(text)):
            spans = (view.span(at, at + 1) for at in letters[first:last])
            yield Occurrence(form=form, spans=tuple(spans))

    def _ended(self, view: View, line: str, at: int, begun: _Begun) -> Iterator[Occurrence]:
        for (number, taken), spans in begun.items():
            form, text = self._wrapped[number]
            if (place := _last_piece(line, text[taken:])) >= 0:
                last = (at + place, at + place + len(text) - taken)
                yield Occurrence(form=form, spans=tuple(view.span(*span) for span in (*spans, last)))

    def _going_on(
        self, tail: str, end: int, begun: _Begun, before: tuple[str, int]
    ) -> Iterator[tuple[tuple[int, int], tuple[Stretch, ...]]]:
        """What a line that ends at `end` begins and takes further; for each form, the longest piece first."""
        for number, length in reversed(self._tails.get(tail[-FIRST_PIECE:], ())):
            for out in range(min(EDGE, length - FIRST_PIECE) + 1):
                text = self._wrapped[number][1][:length]
                # a few letters may be all that the line before has of it
                if tail.endswith(text[out:]) and before[0].endswith(text[:out]):
                    first = ((before[1] - out, before[1]),) if out else ()
                    yield (number, length), (*first, (end - length + out, end))
                    break
        for (number, taken), spans in begun.items():
            text = self._wrapped[number][1]
            at = text.rfind(tail[-1], taken, min(len(text) - 1, taken + len(tail)))
            while at >= 0:
                if tail.endswith(text[taken : at + 1]):
                    yield (number, at + 1), (*spans, (end - (at + 1 - taken), end))
                at = text.rfind(tail[-1], taken, at)


def _tiny(tail: str) -> int:
    """The letters of a line's last word, where it has no more than two; else 0."""
    word = tail[-1 - EDGE :].replace("\t", " ").rpartition(" ")[2]
    return len(word) if len(word) <= EDGE else 0


def _core(text: str) -> tuple[str, int]:
    """What is looked for of a form, and how many letters stand before that."""
    return (text[EDGE:-EDGE], EDGE) if len(text) >= LEAST_CORE + 2 * EDGE else (text, 0)


def _extent(text: str, start: int, form: Form) -> Stretch:
    """Where a form stands whose core was found, with what of its edges is there."""
    end = start + len(form.text)
    length = len(form.text)
    first = next(out for out in range(EDGE + 1) if _has(text, start, form.text, out, EDGE))
    last = next(out for out in range(EDGE + 1) if _has(text, start, form.text, length - EDGE, length - out))
    before = form.before if first == 0 and _is_base64(text[max(0, start - 1) : start]) else 0
    after = form.after if last == 0 and _is_base64(text[end : end + 1]) else 0
    return start + first - before, end - last + after


def _has(text: str, start: int, letters: str, first: int, last: int) -> bool:
    return start + first >= 0 and text.startswith(letters[first:last], start + first)


def _flat(text: str) -> str:
    """A secret of several lines as one: each of them may have something before it."""
    return re.sub(r"\s*\n\s*", "", text)


def _is_base64(letter: str) -> bool:
    return letter != "" and letter.isascii() and (letter.isalnum() or letter in "+/-_")


def _last_piece(line: str, piece: str) -> int:
    """Where the rest of a form stands in the line after; -1 where it does not."""
    limit = PREFIX_LIMIT + len(piece)
    found = line.find(piece, 0, limit)
    if len(piece) >= SURE_PIECE:
        return found
    at = found
    while at >= 0:
        if at == 0 or not line[at - 1].isalnum():
            return at
        at = line.find(piece, at + 1, limit)
    return found


def edges(forms: Sequence[Form], text: str, start: int, end: int) -> Iterator[Occurrence]:
    """What is left of a form right before `start` and right after `end`, between which a text was cut."""
    before, after = text[max(0, start - SURE_PIECE) : start], text[end : end + SURE_PIECE]
    for form in forms:
        letters = form.text
        for at in _places(letters, before):
            if text.endswith(letters[: at + SURE_PIECE], 0, start):
                yield Occurrence(form=form, spans=((start - at - SURE_PIECE, start),))
        for at in _places(letters, after):
            if text.startswith(letters[at:], end):
                yield Occurrence(form=form, spans=((end, end + len(letters) - at),))


def _places(letters: str, piece: str) -> Iterator[int]:
    at = letters.find(piece) if len(piece) == SURE_PIECE else -1
    while at >= 0:
        yield at
        at = letters.find(piece, at + 1)
