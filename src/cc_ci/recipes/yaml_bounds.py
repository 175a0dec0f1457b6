"""How large and how deep a YAML file may be, looked at event by event before anything is built of it.

A few lines of aliases can stand for more values than there is memory, and libyaml's own builder calls itself
for each level, past the end of the stack.
"""

import msgspec
import yaml

LONGEST = 512 * 1024
"""Characters of a file."""
DEEPEST = 64
"""Levels; a compose file has 8 or so."""
MOST_VALUES = 100_000
"""Keys and values, each alias counted with all that it stands for."""
MOST_TEXT = 2 * 1024 * 1024
"""Characters of all keys and values, counted likewise."""
LONGEST_VALUE = 64 * 1024
"""Characters of one; half of what Linux takes as one argument of a program (MAX_ARG_STRLEN)."""


class TooMuch(Exception):  # noqa: N818 - reads as what it is
    """A file beyond a bound, and the line where it is reached."""

    def __init__(self, fault: str, *, line: int) -> None:
        super().__init__(fault)
        self.fault, self.line = fault, line


class _Weight(msgspec.Struct):
    """What a part of the file comes to with its aliases filled in."""

    values: int = 0
    text: int = 0
    depth: int = 0

    def take(self, part: "_Weight") -> None:
        self.values += part.values
        self.text += part.text
        self.depth = max(self.depth, part.depth + 1)


def refuse_too_much(text: str) -> None:
    """Raises TooMuch for a file beyond a bound, or with an alias inside of what it stands for."""
    if len(text) > LONGEST:
        raise TooMuch(f"longer than {LONGEST} characters", line=1)
    bounds = _Bounds()
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        bounds.take(event)


class _Bounds:
    def __init__(self) -> None:
        self._open: list[tuple[str | None, _Weight]] = [(None, _Weight())]
        self._known: dict[str, _Weight] = {}

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.CollectionStartEvent):
            self._open.append((event.anchor, _Weight(values=1)))
        elif isinstance(event, yaml.CollectionEndEvent):
            self._add(*self._open.pop())
        elif isinstance(event, yaml.ScalarEvent):
            self._add(event.anchor, _scalar(event.value, line=line))
        elif isinstance(event, yaml.AliasEvent) and event.anchor is not None:
            self._add(None, self._named(event.anchor, line=line))
        self._check(line)

    def _add(self, anchor: str | None, weight: _Weight) -> None:
        self._open[-1][1].take(weight)
        if anchor is not None:
            self._known[anchor] = weight

    def _named(self, anchor: str, *, line: int) -> _Weight:
        if any(anchor == name for name, _ in self._open):
            raise TooMuch(f"the alias *{anchor} holds itself", line=line)
        # one that nobody made is the parser's to refuse
        return self._known.get(anchor, _Weight())

    def _check(self, line: int) -> None:
        weight = self._open[-1][1]
        if len(self._open) + weight.depth > DEEPEST:
            raise TooMuch(f"nested too deeply: more than {DEEPEST} levels", line=line)
        if weight.values > MOST_VALUES:
            raise TooMuch(f"more than {MOST_VALUES} values, aliases filled in", line=line)
        if weight.text > MOST_TEXT:
            raise TooMuch(f"more than {MOST_TEXT} characters, aliases filled in", line=line)


def _scalar(value: str, *, line: int) -> _Weight:
    if len(value) > LONGEST_VALUE:
        raise TooMuch(f"a value of more than {LONGEST_VALUE} characters", line=line)
    return _Weight(values=1, text=len(value))
