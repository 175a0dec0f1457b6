"""Secrets are learnt once, at the moment they are made, and never leave in a text again."""

import threading
from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from cc_ci.system.bounded import CUT
from cc_ci.system.secret_forms import SHORTEST, FormKind, forms
from cc_ci.system.secret_search import Occurrence, Search, Stretch, edges
from cc_ci.system.text_views import views

MASK = "[redacted]"
BLOCK, OVERLAP = 1024 * 1024, 16 * 1024
"""Letters that are looked through at once, and so many of those before: what is looked for may lie across."""
MOST_CUTS = 100
"""An app may write such lines, too."""


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """Where a text shows a secret: its name, the line, counted from 1, and the letters of the text.

    More `spans` than one are pieces over line ends.
    """

    secret: str
    kind: FormKind
    line: int
    spans: tuple[Stretch, ...]


class Redactor:
    """Replace every secret learnt so far by `MASK`, however it is written; safe to share between threads.

    A secret is found as it is; in base64, alone or within longer base64; in hex; with the escapes of URLs,
    HTML and JSON, of which there may be up to three on top of each other; and, from LEAST_WRAPPED letters on,
    in pieces over line ends, whatever each line begins with.
    """

    def __init__(self) -> None:
        self._secrets: dict[str, str] = {}
        self._search: Search | None = None
        self._lock = threading.Lock()

    def learn(self, secret: str, *, name: str | None = None) -> str:
        """Remember one secret value, under a name for people, and hand it back."""
        value = secret.strip()
        if len(value) >= SHORTEST:
            with self._lock:
                if value not in self._secrets:
                    self._search = None
                known = self._secrets.get(value)
                self._secrets[value] = name or known or f"secret {len(self._secrets) + 1}"
        return secret

    @property
    def secrets(self) -> tuple[str, ...]:
        """All learnt so far, the longest first: one may contain another."""
        with self._lock:
            return tuple(sorted(self._secrets, key=len, reverse=True))

    def find(self, text: str) -> tuple[Hit, ...]:
        """Where the text shows a secret, in its order."""
        names, search = self._ready()
        hits: dict[tuple[int, Stretch], Occurrence] = {}
        for one in self._found(text, search):
            hits.setdefault((one.form.secret, one.spans[0]), one)
        return tuple(_told(sorted(hits.values(), key=lambda one: one.spans), names, text))

    def __call__(self, text: str) -> str:
        _, search = self._ready()
        spans = sorted(span for one in self._found(text, search) for span in one.spans)
        return _masked(text, spans) if spans else text

    def _ready(self) -> tuple[tuple[str, ...], Search]:
        with self._lock:
            if self._search is None:
                values = enumerate(self._secrets)
                self._search = Search(one for number, value in values for one in forms(value, secret=number))
            return tuple(self._secrets.values()), self._search

    def _found(self, text: str, search: Search) -> Iterator[Occurrence]:
        if not search.forms:
            return
        overlap = max(OVERLAP, 4 * search.widest)
        for start in range(0, len(text), BLOCK):
            first = max(0, start - overlap)
            for view in views(text[first : start + BLOCK], offset=first):
                yield from search(view)
        for cut in islice(CUT.finditer(text), MOST_CUTS):
            yield from edges(search.forms, text, max(0, cut.start() - 1), cut.end() + 1)


def _told(found: Iterable[Occurrence], names: tuple[str, ...], text: str) -> Iterator[Hit]:
    line, past = 1, 0
    for one in found:
        start = one.spans[0][0]
        line += text.count("\n", past, start)
        past = start
        yield Hit(secret=names[one.form.secret], kind=one.form.kind, line=line, spans=one.spans)


def _masked(text: str, spans: list[Stretch]) -> str:
    """With `MASK` for each span, and one for those that overlap or touch."""
    parts: list[str] = []
    past, masked = 0, -1
    for start, end in spans:
        if start > masked:
            parts += [text[past:start], MASK]
        masked = max(masked, end)
        past = max(past, end)
    return "".join([*parts, text[past:]])
