"""The top-level sections of a compose file, and what an entry of each may hold."""

import posixpath
from typing import Any

from cc_ci.recipes.faults import Key, KeyFault
from cc_ci.recipes.kinds import Flag, Kind, Reading, Text, wrong
from cc_ci.recipes.mappings import Each, Pairs, Struct
from cc_ci.recipes.services import SERVICE


class External:
    """`external: true`, or the older mapping with a name; `open_` as for Struct."""

    def __init__(self, *, open_: bool = False) -> None:
        self._mapping = Struct({"name": Text()}, open_=open_)

    def read(self, value: Any, key: Key, reading: Reading) -> Any:
        if isinstance(value, dict):
            return {"name": None, **(self._mapping.read(value, key, reading) or {})}
        if not isinstance(value, bool):
            raise wrong(value, key, "true, false or a mapping with a name")
        return value or None

    def merge(self, base: Any, over: Any) -> Any:  # noqa: ARG002
        return over


class Entry(Struct):
    """An entry of a section other than services; `conflicts` can't stand beside `external`."""

    def __init__(
        self, fields: dict[str, Kind], *, conflicts: tuple[str, ...] = (), nothing: bool = True
    ) -> None:
        super().__init__(fields, nothing=nothing, pointer=True, notes=True)
        self._conflicts = conflicts

    def read(self, value: Any, key: Key, reading: Reading) -> Any:
        entry = super().read(value, key, reading)
        if "external" not in entry:
            return entry
        for name in self._conflicts:
            if name in entry:
                raise KeyFault((*key, name), "can't be set for what is external")
        given = entry["external"]["name"] if isinstance(entry["external"], dict) else None
        if given and "name" in entry:
            raise KeyFault((*key, "name"), "the name is under external, too; keep this one only")
        return {**entry, "name": entry.get("name") or given or key[-1], "external": True}


class FileEntry(Entry):
    """A config or secret: from a file, from a driver, or there already."""

    def read(self, value: Any, key: Key, reading: Reading) -> Any:
        entry = super().read(value, key, reading)
        if entry.get("external"):
            return entry
        if "driver" in entry:
            if "file" in entry:
                raise KeyFault((*key, "file"), "can't be set beside a driver")
            return entry
        if "file" not in entry:
            raise KeyFault(key, "has neither `file` nor `external: true`")
        path = entry["file"]
        absolute = path if path.startswith("/") else posixpath.normpath(posixpath.join(reading.folder, path))
        return {**entry, "file": absolute}


IPAM = Struct({"driver": Text(), "config": Each(Struct({"subnet": Text()}, pointer=True))}, pointer=True)
NETWORK = Entry(
    {
        "name": Text(),
        "driver": Text(),
        "driver_opts": Pairs(lists=False),
        "ipam": IPAM,
        "external": External(),
        "internal": Flag(),
        "attachable": Flag(),
        "labels": Pairs(),
    }
)
VOLUME = Entry(
    {
        "name": Text(),
        "driver": Text(),
        "driver_opts": Pairs(lists=False),
        "external": External(),
        "labels": Pairs(),
    },
    conflicts=("driver", "driver_opts", "labels"),
)
FILES: dict[str, Kind] = {
    "name": Text(),
    "file": Text(),
    "external": External(open_=True),
    "labels": Pairs(),
    "driver": Text(),
    "driver_opts": Pairs(lists=False),
    "template_driver": Text(),
}
SECTIONS: dict[str, Struct] = {
    "services": SERVICE,
    "networks": NETWORK,
    "volumes": VOLUME,
    "secrets": FileEntry(FILES, nothing=False),
    "configs": FileEntry(FILES, nothing=False),
}
