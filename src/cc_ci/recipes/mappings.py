"""Kinds of values that hold others: pairs, lists with an identity, mappings with known keys."""

from collections.abc import Callable, Mapping
from typing import Any

from cc_ci.recipes.faults import Key, KeyFault
from cc_ci.recipes.kinds import Appended, Kind, Reading, Texts, listed, refuse_twice, wrong
from cc_ci.recipes.plain import number_text
from cc_ci.system.printable import quoted
from cc_ci.system.suggesting import meant

MOST_ITEMS = 10_000
"""Of a list whose items may stand for many, as a range of ports does."""


class Pairs:
    """A mapping, or KEY=value texts if `lists`; a mapping when long. `nulls`: a key may have no value."""

    def __init__(self, *, nulls: bool = False, lists: bool = True) -> None:
        self._nulls, self._lists = nulls, lists

    def read(self, value: Any, key: Key, reading: Reading) -> Any:
        listed_ = self._lists and isinstance(value, list)
        pairs = self._listed(value, key) if listed_ else self._mapped(value, key)
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
            raise wrong(value, key, f"a mapping{' or a list of KEY=value' if self._lists else ''}")
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


class EnvironmentPairs(Pairs):
    """As Pairs; what has no value gets that of the app's variable of its name, if there is one."""

    def __init__(self) -> None:
        super().__init__(nulls=True)

    def looked_up(self, pairs: dict[str, str | None], reading: Reading) -> dict[str, str | None]:
        return {name: value or reading.env.get(name, value) for name, value in pairs.items()}

    def merge(self, base: Any, over: Any) -> Any:
        return {**base, **{name: value for name, value in over.items() if value or not base.get(name)}}


class Each(Appended):
    """A list whose items are all of one kind."""

    def __init__(self, item: Kind) -> None:
        self._item = item

    def read(self, value: Any, key: Key, reading: Reading) -> Any:
        items = listed(value, key)
        return [self._item.read(item, (*key, index), reading) for index, item in enumerate(items)] or None


class Hosts(Appended):
    """name:address texts, or a mapping."""

    def read(self, value: Any, key: Key, reading: Reading) -> Any:
        if isinstance(value, dict):
            pairs = Pairs(nulls=True).read(value, key, reading) or {}
            return (
                sorted(f"{name}:{address}" for name, address in pairs.items() if address is not None) or None
            )
        texts = Texts(unique=True).read(value, key, reading) or []
        return [self._host(text, (*key, index)) for index, text in enumerate(texts)] or None

    @staticmethod
    def _host(text: str, key: Key) -> str:
        name, separator, address = text.partition("=" if "=" in text else ":")
        if not separator:
            raise KeyFault(key, f"{quoted(text)} is not name:address")
        return f"{name}:{address.removeprefix('[').removesuffix(']')}"


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
        longs: list[dict[str, Any]] = []
        for index, item in enumerate(items):
            longs += self._items(item, (*key, index), reading)
            if len(longs) > MOST_ITEMS:
                raise KeyFault((*key, index), f"with it there are more than {MOST_ITEMS}")
        return longs

    def merge(self, base: Any, over: Any) -> Any:
        found = {self._identity(item): item for item in [*base, *over]}
        return sorted(found.values(), key=self._order)


class Struct:
    """A mapping with known keys. `since`: formats that brought a key; `nothing`: it may be null.

    `notes`: keys that begin with x- are kept. `open_`: docker's schema looks at no key, and what it does not
    know has no effect.
    """

    def __init__(
        self,
        fields: Mapping[str, Kind],
        *,
        since: Mapping[str, tuple[int, int]] | None = None,
        required: tuple[str, ...] = (),
        nothing: bool = False,
        pointer: bool = False,
        open_: bool = False,
        notes: bool = False,
    ) -> None:
        self.fields, self._since, self._required = fields, since or {}, required
        self._nothing, self._pointer, self._open, self._notes = nothing, pointer, open_, notes

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
        if name not in self.fields:
            if self._open or (self._notes and name.startswith("x-")):
                return None if self._open else value
            near = f"; there are {', '.join(self.fields)}" if len(self.fields) < 10 else ""  # noqa: PLR2004
            raise KeyFault(key, f"no such key here{meant(name, self.fields)}{near}")
        since = self._since.get(name, (3, 0))
        if since > reading.version:
            raise KeyFault(key, f"needs version {since[0]}.{since[1]} of the format, and the file says less")
        return self.fields[name].read(value, key, reading)

    def merge(self, base: Any, over: Any) -> Any:
        merged = dict(base)
        for name, value in over.items():
            kind = self.fields.get(name)
            if kind and name in base:
                merged[name] = kind.merge(base[name], value)
            elif value != []:
                merged[name] = value
        for name in base.keys() - over.keys():
            # the loader brings such lists into order, too, where the later file has none
            if isinstance(kind := self.fields.get(name), Keyed):
                merged[name] = kind.merge(base[name], [])
        return merged
