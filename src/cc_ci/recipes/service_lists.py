"""Ports, mounts, and references to configs and secrets: short forms made long, and what identifies each."""

import posixpath
from collections.abc import Iterator
from typing import Any

from cc_ci.recipes.faults import Key, KeyFault
from cc_ci.recipes.kinds import Flag, Number, Reading, Text, is_number, wrong
from cc_ci.recipes.mappings import Keyed, Struct
from cc_ci.system.printable import quoted

PROPAGATIONS = {"rprivate", "private", "rshared", "shared", "rslave", "slave"}
LAST_PORT = 65_535
LONGEST_NUMBER = 20
"""Digits, zeros before them included, that are read as a number at all."""
SHORTEST_PAIR = 3
"""A volume's text below this length is a mere target."""


def read_port(value: Any, key: Key, reading: Reading) -> list[dict[str, Any]]:
    """The ports of one entry, which may be a range."""
    if isinstance(value, dict):
        return [LONG_PORT.read(value, key, reading)]
    if not isinstance(value, str) and not is_number(value):
        raise wrong(value, key, "a port, or published:target")
    return list(_ports(str(value), key))


def _ports(text: str, key: Key) -> Iterator[dict[str, Any]]:
    spec, _, protocol = text.partition("/")
    protocol = protocol.lower() or "tcp"
    *outer, target_text = spec.rsplit(":", 2)
    published_text = outer[-1] if outer else ""
    targets, published = _range(target_text), _range(published_text)
    if not targets or published is None or protocol not in ("tcp", "udp", "sctp"):
        raise KeyFault(key, f"{quoted(text)} is no port; write published:target, each a number or a range")
    if published and len(published) != len(targets):
        raise KeyFault(key, f"{quoted(text)} has ranges of different lengths")
    for index, target in enumerate(targets):
        port = {"mode": "ingress", "target": target, "protocol": protocol}
        yield {**port, "published": published[index]} if published else port


def _range(text: str) -> list[int] | None:
    """The ports of 80 or 80-82; empty for none, None for what is no range."""
    if not text:
        return []
    first, _, last = text.partition("-")
    if not text.isascii() or not first.isdecimal() or not (last or first).isdecimal():
        return None
    if max(len(first), len(last)) > LONGEST_NUMBER:
        return None
    low, high = int(first), int(last or first)
    return list(range(low, high + 1)) if low <= high <= LAST_PORT else None


def _volume(value: Any, key: Key, reading: Reading) -> list[dict[str, Any]]:
    long = long_volume(value, key) if isinstance(value, str) else LONG_VOLUME.read(value, key, reading)
    if long.get("type") == "bind":
        if not long.get("source"):
            raise KeyFault(key, "a bind mount needs its source")
        long["source"] = _bound(long["source"], key, reading)
    return [long]


def _bound(source: str, key: Key, reading: Reading) -> str:
    if source.startswith("~"):
        if "HOME" not in reading.env:
            raise KeyFault(key, f"{source} is in the home of whoever deploys; name the whole path")
        source = source.replace("~", reading.env["HOME"], 1)
    return source if source.startswith("/") else posixpath.normpath(posixpath.join(reading.folder, source))


def long_volume(text: str, key: Key = ()) -> dict[str, Any]:
    """The long form of source:target:options."""
    if len(text) < SHORTEST_PAIR:
        if not text:
            raise KeyFault(key, "is empty; write source:target")
        return {"type": "volume", "target": text}
    parts = text.split(":")
    if "" in parts or len(parts) > 3:  # noqa: PLR2004 - source, target, options
        raise KeyFault(key, f"{quoted(text)} has {'an empty part' if '' in parts else 'too many colons'}")
    if len(parts) == 1:
        return {"type": "volume", "target": text}
    source, target, *options = parts
    if len(source) == 1 and source.isalpha():
        raise KeyFault(
            key, f"{quoted(text)} begins with what docker takes for a drive; give the volume a longer name"
        )
    bind = source[0] in "./~"
    return {"type": "bind" if bind else "volume", "source": source, "target": target, **_options(options)}


def _options(options: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for option in ",".join(options).split(","):
        if option in ("ro", "rw"):
            found["read_only"] = option == "ro"
        elif option == "nocopy":
            found["volume"] = {"nocopy": True}
        elif option in PROPAGATIONS:
            found["bind"] = {"propagation": option}
    return {name: value for name, value in found.items() if value}


def _reference(value: Any, key: Key, reading: Reading) -> list[dict[str, Any]]:
    return [{"source": value} if isinstance(value, str) else LONG_REFERENCE.read(value, key, reading)]


LONG_PORT = Struct(
    {"mode": Text(), "target": Number(), "published": Number(), "protocol": Text()}, pointer=True
)
LONG_REFERENCE = Struct(
    {"source": Text(), "target": Text(), "uid": Text(), "gid": Text(), "mode": Number(zero=True)},
    pointer=True,
    open_=True,
)
LONG_VOLUME = Struct(
    {
        "type": Text(),
        "source": Text(),
        "target": Text(),
        "read_only": Flag(),
        "consistency": Text(),
        "bind": Struct({"propagation": Text()}, pointer=True, open_=True),
        "volume": Struct({"nocopy": Flag(), "subpath": Text()}, pointer=True, open_=True),
        "tmpfs": Struct({"size": Number()}, pointer=True, open_=True),
        "cluster": Struct({}, pointer=True),
    },
    required=("type",),
    since={"cluster": (3, 13)},
    pointer=True,
)
REFERENCES = Keyed(
    _reference, identity=lambda item: item.get("source"), order=lambda item: item.get("source", "")
)
# the identity is the published port alone: 53/tcp and 53/udp take each other's place when files are merged
PORTS = Keyed(
    read_port,
    identity=lambda item: item.get("published", 0),
    order=lambda item: item.get("published", 0),
    unique=True,
)
VOLUMES = Keyed(_volume, identity=lambda item: item.get("target"), order=lambda item: item.get("target", ""))
