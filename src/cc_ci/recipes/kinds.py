"""Kinds of values in a compose file: what each accepts, its long form, and how two files' values are merged.

What is empty is left out of the long form, so that merging is taking the later value where there is one.
"""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from cc_ci.recipes.faults import Key, KeyFault
from cc_ci.recipes.plain import duration_text, nanoseconds, number_text, shell_words, size_bytes
from cc_ci.system.printable import quoted

BEYOND = 2**63
"""Go keeps no larger whole numbers; what it makes of them is not told."""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a file is read with: the folder of the first compose file, the app's variables, the format."""

    folder: Path
    env: Mapping[str, str]
    version: tuple[int, int] = (3, 13)


class Kind(Protocol):
    def read(self, value: Any, key: Key, reading: Reading) -> Any:
        """Check `value` and give its long form, None to leave it out. Raises KeyFault."""

    def merge(self, base: Any, over: Any) -> Any: ...


def wrong(value: Any, key: Key, wanted: str) -> KeyFault:
    return KeyFault(key, f"must be {wanted}, and is {_shown(value)}")


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if isinstance(value, str):
        return quoted(value)
    if value is None:
        return "nothing"
    return str(value).lower()


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class _Replaced:
    def merge(self, base: Any, over: Any) -> Any:  # noqa: ARG002 - the later file wins
        return over


class Text(_Replaced):
    """Text; `choices` are the only ones, if any. `numbers` are accepted, too, where docker does so."""

    def __init__(self, *choices: str, numbers: bool = False) -> None:
        self._choices, self._numbers = choices, numbers

    def read(self, value: Any, key: Key, reading: Reading) -> Any:  # noqa: ARG002
        if self._numbers and is_number(value):
            return number_text(value)
        if not isinstance(value, str):
            raise wrong(value, key, "text; put it in quotes" if is_number(value) else "text")
        if self._choices and value not in self._choices:
            raise wrong(value, key, " or ".join(self._choices))
        return value or None


class Flag(_Replaced):
    """True or false. A pointer in the loader keeps a false, which still does not override a true."""

    def __init__(self, *, pointer: bool = False) -> None:
        self._pointer = pointer

    def read(self, value: Any, key: Key, reading: Reading) -> Any:  # noqa: ARG002
        if not isinstance(value, bool):
            raise wrong(value, key, "true or false")
        return value if value or self._pointer else None

    def merge(self, base: Any, over: Any) -> Any:
        return over or base


class Number(_Replaced):
    """A number. With `zero`, 0 is a value like any other; else it is as good as nothing."""

    def __init__(self, *, whole: bool = True, zero: bool = False, signed: bool = False) -> None:
        self._whole, self._zero, self._signed = whole, zero, signed

    def read(self, value: Any, key: Key, reading: Reading) -> Any:  # noqa: ARG002
        if not is_number(value) or (self._whole and value != int(value)):
            raise wrong(value, key, "a whole number" if self._whole else "a number")
        if value < 0 and not self._signed:
            raise wrong(value, key, "a number of at least 0")
        if abs(value) >= BEYOND:
            raise wrong(value, key, f"a number below {BEYOND}")
        number = int(value) if self._whole else value
        return number if number or self._zero else None


class Duration(_Replaced):
    """Text such as 1m30s. A pointer in the loader keeps 0s, which still overrides nothing."""

    def __init__(self, *, pointer: bool = True) -> None:
        self._pointer = pointer

    def read(self, value: Any, key: Key, reading: Reading) -> Any:  # noqa: ARG002
        length = nanoseconds(value) if isinstance(value, str) else None
        if length is None:
            raise wrong(value, key, "a duration with its unit, such as 30s")
        return duration_text(length) if length or self._pointer else None

    def merge(self, base: Any, over: Any) -> Any:
        return base if over == "0s" else over


class Size(_Replaced):
    """Text such as 50M, kept as bytes."""

    def read(self, value: Any, key: Key, reading: Reading) -> Any:  # noqa: ARG002
        size = size_bytes(value) if isinstance(value, str) else None
        if size is None:
            raise wrong(value, key, "a size in quotes, such as 512M")
        return str(size) if size else None


class Anything(_Replaced):
    def read(self, value: Any, key: Key, reading: Reading) -> Any:  # noqa: ARG002
        return value


class Appended:
    def merge(self, base: Any, over: Any) -> Any:
        return [*base, *over]


class Texts(Appended):
    """A list of texts. `single`: one text will do; `numbers` will, too; `unique`: none may be there twice."""

    def __init__(self, *, single: bool = False, numbers: bool = False, unique: bool = False) -> None:
        self._single, self._unique = single, unique
        self._item = Text(numbers=numbers)

    def read(self, value: Any, key: Key, reading: Reading) -> Any:
        if self._single and isinstance(value, str):
            return [value]
        items = listed(value, key)
        if self._unique:
            refuse_twice(items, key)
        return [
            self._item.read(item, (*key, index), reading) or "" for index, item in enumerate(items)
        ] or None


def listed(value: Any, key: Key) -> list[Any]:
    if not isinstance(value, list):
        raise wrong(value, key, "a list")
    return value


def refuse_twice(items: list[Any], key: Key) -> None:
    seen = set()
    for index, item in enumerate(items):
        same = _comparable(item)
        if same in seen:
            raise KeyFault((*key, index), "is in the list twice")
        seen.add(same)


def _comparable(value: Any) -> Hashable:
    """A value for a set, equal where the values are: to compare each with each takes too long."""
    if isinstance(value, dict):
        return frozenset((name, _comparable(one)) for name, one in value.items())
    return tuple(map(_comparable, value)) if isinstance(value, list) else value


class Shell(_Replaced):
    """A command: a text that is split as a shell would, or a list of words."""

    def read(self, value: Any, key: Key, reading: Reading) -> Any:
        if value is None:
            raise wrong(value, key, "a command: text or a list of texts")
        if not isinstance(value, str):
            return Texts().read(value, key, reading)
        words = shell_words(value)
        if words is None:
            raise KeyFault(key, f"a quote is not closed in {quoted(value)}")
        return words or None


class Test(Appended):
    """A health check's command. Docker appends the later file's to the earlier one's, which never works."""

    def read(self, value: Any, key: Key, reading: Reading) -> Any:
        return ["CMD-SHELL", value] if isinstance(value, str) else Texts().read(value, key, reading)
