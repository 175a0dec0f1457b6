"""Kinds of values in a compose file: what each accepts, its long form, and how two files' values are merged.

What is empty is left out of the long form, so that merging is taking the later value where there is one.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from cc_ci.recipes.faults import Key, KeyFault
from cc_ci.recipes.plain import duration_text, nanoseconds, number_text, shell_words, size_bytes


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
    shown = (
        {True: "true", False: "false", None: "nothing"}.get(value) if value in (True, False, None) else None
    )
    if shown is None:
        shown = {dict: "a mapping", list: "a list"}.get(type(value), repr(value))
    return KeyFault(key, f"must be {wanted}, and is {shown}")


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

    def __init__(self, *, whole: bool = True, zero: bool = False, least: int | None = None) -> None:
        self._whole, self._zero, self._least = whole, zero, least

    def read(self, value: Any, key: Key, reading: Reading) -> Any:  # noqa: ARG002
        if not is_number(value) or (self._whole and value != int(value)):
            raise wrong(value, key, "a whole number" if self._whole else "a number")
        if self._least is not None and value < self._least:
            raise wrong(value, key, f"a number of at least {self._least}")
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


class _Appended:
    def merge(self, base: Any, over: Any) -> Any:
        return [*base, *over]


class Texts(_Appended):
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
    for index, item in enumerate(items):
        if item in items[:index]:
            raise KeyFault((*key, index), "is in the list twice")


class Shell(_Replaced):
    """A command: a text that is split as a shell would, or a list of words."""

    def read(self, value: Any, key: Key, reading: Reading) -> Any:
        if value is None:
            raise wrong(value, key, "a command: text or a list of texts")
        if not isinstance(value, str):
            return Texts().read(value, key, reading)
        words = shell_words(value)
        if words is None:
            raise KeyFault(key, f"a quote is not closed in {value!r}")
        return words or None


class Test(_Appended):
    """A health check's command. Docker appends the later file's to the earlier one's, which never works."""

    def read(self, value: Any, key: Key, reading: Reading) -> Any:
        return ["CMD-SHELL", value] if isinstance(value, str) else Texts().read(value, key, reading)


class Pairs:
    """KEY=value texts, or a mapping; a mapping in its long form. `nulls`: a key may have no value."""

    def __init__(self, *, nulls: bool = False) -> None:
        self._nulls = nulls

    def read(self, value: Any, key: Key, reading: Reading) -> Any:
        pairs = self._listed(value, key) if isinstance(value, list) else self._mapped(value, key)
        return self.looked_up(pairs, reading) or None

    def _listed(self, value: list[Any], key: Key) -> dict[str, str | None]:
        refuse_twice(value, key)
        for index, item in enumerate(value):
            if not isinstance(item, str):
                wanted = "text such as KEY=value; a `: ` inside needs quotes around the whole"
                raise wrong(item, (*key, index), wanted)
        parts = [item.partition("=") for item in value]
        return {name: text if equals else self.absent for name, equals, text in parts}

    def _mapped(self, value: Any, key: Key) -> dict[str, str | None]:
        if not isinstance(value, dict):
            raise wrong(value, key, "a mapping or a list of KEY=value")
        return {name: self._text(item, (*key, name)) for name, item in value.items()}

    def _text(self, value: Any, key: Key) -> str | None:
        if value is None:
            return self.absent
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise wrong(value, key, "text or a number; put true and false in quotes")
        return value if isinstance(value, str) else number_text(value)

    @property
    def absent(self) -> str | None:
        return None if self._nulls else ""

    def looked_up(self, pairs: dict[str, str | None], reading: Reading) -> dict[str, str | None]:  # noqa: ARG002
        return pairs

    def merge(self, base: Any, over: Any) -> Any:
        return {**base, **over}


class Environment(Pairs):
    """As Pairs; what has no value gets that of the app's variable of its name, if there is one."""

    def __init__(self) -> None:
        super().__init__(nulls=True)

    def looked_up(self, pairs: dict[str, str | None], reading: Reading) -> dict[str, str | None]:
        return {name: value or reading.env.get(name, value) for name, value in pairs.items()}

    def merge(self, base: Any, over: Any) -> Any:
        return {**base, **{name: value for name, value in over.items() if value or not base.get(name)}}


class Hosts(_Appended):
    """name:address texts, or a mapping."""

    def read(self, value: Any, key: Key, reading: Reading) -> Any:
        if isinstance(value, dict):
            pairs = Pairs(nulls=True).read(value, key, reading) or {}
            return (
                sorted(f"{name}:{address}" for name, address in pairs.items() if address is not None) or None
            )
        return Texts(unique=True).read(value, key, reading)


class Keyed:
    """A list whose items have an identity: a later file's item takes the place of the earlier one."""

    def __init__(
        self,
        items: Callable[[Any, Key, Reading], list[dict[str, Any]]],
        *,
        identity: Callable[[dict[str, Any]], Any],
        order: Callable[[dict[str, Any]], Any],
        unique: bool = False,
    ) -> None:
        self._items, self._identity, self._order, self._unique = items, identity, order, unique

    def read(self, value: Any, key: Key, reading: Reading) -> Any:
        items = listed(value, key)
        if self._unique:
            refuse_twice(items, key)
        # an empty list stays: with one, docker brings a later file's list into order
        return [
            long for index, item in enumerate(items) for long in self._items(item, (*key, index), reading)
        ]

    def merge(self, base: Any, over: Any) -> Any:
        found = {self._identity(item): item for item in [*base, *over]}
        return sorted(found.values(), key=self._order)


class Struct:
    """A mapping with known keys. `since`: formats that brought a key; `nothing`: it may be null."""

    def __init__(
        self,
        fields: Mapping[str, Kind],
        *,
        since: Mapping[str, tuple[int, int]] | None = None,
        required: tuple[str, ...] = (),
        nothing: bool = False,
        pointer: bool = False,
        open_: bool = False,
    ) -> None:
        self.fields, self._since, self._required = fields, since or {}, required
        self._nothing, self._pointer, self._open = nothing, pointer, open_

    def read(self, value: Any, key: Key, reading: Reading) -> Any:
        if value is None and self._nothing:
            return {} if self._pointer else None
        if not isinstance(value, dict):
            raise wrong(value, key, "a mapping")
        for name in self._required:
            if name not in value:
                raise KeyFault(key, f"has no {name}")
        long = {name: self._read_field(name, child, (*key, name), reading) for name, child in value.items()}
        return {name: child for name, child in long.items() if child is not None} or (
            {} if self._pointer else None
        )

    def _read_field(self, name: str, value: Any, key: Key, reading: Reading) -> Any:
        since = self._since.get(name, (3, 0))
        if name not in self.fields and not name.startswith("x-"):
            if self._open:
                return value
            near = f"; there are {', '.join(self.fields)}" if len(self.fields) < 10 else ""  # noqa: PLR2004
            raise KeyFault(key, f"no such key here{near}")
        if since > reading.version:
            raise KeyFault(key, f"needs version {since[0]}.{since[1]} of the format, and the file says less")
        return value if name.startswith("x-") else self.fields[name].read(value, key, reading)

    def merge(self, base: Any, over: Any) -> Any:
        merged = dict(base)
        for name, value in over.items():
            kind = self.fields.get(name)
            merged[name] = kind.merge(base[name], value) if kind and name in base else value
        for name in base.keys() - over.keys():
            # the loader brings such lists into order, too, where the later file has none
            if isinstance(kind := self.fields.get(name), Keyed):
                merged[name] = kind.merge(base[name], [])
        return merged
