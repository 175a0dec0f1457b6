"""Compose files, merged and interpolated as `docker stack deploy` does it; a pure reader of our own."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from cc_ci.recipes.boundary import understanding
from cc_ci.recipes.faults import Key, KeyFault, RecipeError, Source, dotted
from cc_ci.recipes.interpolation import interpolate
from cc_ci.recipes.kinds import Reading, wrong
from cc_ci.recipes.mappings import Struct
from cc_ci.recipes.sections import SECTIONS
from cc_ci.recipes.service_lists import read_port
from cc_ci.recipes.services import FORBIDDEN
from cc_ci.recipes.yaml_text import Document, read_document
from cc_ci.system.printable import quoted

NEWEST = (3, 13)
"""Taken for a file without `version:`, as the client does from 28 on."""
NAME = re.compile(r"[a-zA-Z0-9._-]+")
PAIRS = ("environment", "labels")


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """What several files come to: long forms only, and where each key was given last."""

    tree: dict[str, Any]
    raw: dict[str, Any]
    """Before interpolation, each top-level entry as its last file has it."""
    sources: Mapping[str, Source]
    version: str


def read_compose(texts: Sequence[tuple[str, str]], *, env: Mapping[str, str], folder: Path) -> Merged:
    """Merge files given as (name, text). Relative paths start from `folder`, that of the first file.

    Raises RecipeError with file, line and key for whatever can't be understood.
    """
    documents = [_document(text, name=name) for name, text in texts]
    version = max(_version(document) for document in documents)
    reading = Reading(folder=folder, env=env, version=version)
    sources: dict[str, Source] = {}
    merged: dict[str, Any] = {}
    raw: dict[str, Any] = {}
    for document in documents:
        with understanding("this file", source=document.source(())):
            long, filled = _read(document, reading)
        merged = FILE.merge(merged, long)
        sources |= dict(_sources(document, filled, long, reading))
        for section in ("networks", "volumes", "secrets", "configs", "services"):
            raw.setdefault(section, {}).update(document.tree.get(section) or {})
    return Merged(tree=merged, raw=raw, sources=sources, version=".".join(map(str, version)))


def _document(text: str, *, name: str) -> Document:
    with understanding("this file", source=Source(file=name, line=1)):
        return read_document(text, name=name)


def _version(document: Document) -> tuple[int, int]:
    version = document.tree.get("version")
    if version is None:
        return NEWEST
    if not isinstance(version, str):
        raise document.blame(wrong(version, ("version",), "text; put it in quotes"))
    match = re.fullmatch(r"3(?:\.([0-9]{1,9}))?", version)
    if not match or int(match[1] or 0) > NEWEST[1]:
        raise document.blame(
            KeyFault(("version",), f"{quoted(version)} is not one of 3 to 3.{NEWEST[1]}; use 3.8")
        )
    return (3, int(match[1])) if match[1] else NEWEST


def _read(document: Document, reading: Reading) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        _refuse_forbidden(document.tree.get("services"))
        filled = interpolate(document.tree, reading.env)
        long = FILE.read(filled, (), reading)
    except KeyFault as fault:
        raise document.blame(fault) from None
    return {name: value for name, value in long.items() if name != "version"}, filled


def _refuse_forbidden(services: Any) -> None:
    for name, service in services.items() if isinstance(services, dict) else ():
        for key in FORBIDDEN.keys() & (service.keys() if isinstance(service, dict) else set()):
            raise KeyFault(("services", name, key), f"not understood by a stack; {FORBIDDEN[key]}")


class Section:
    """Named entries of one kind. A service is merged with its namesake, anything else replaced by it."""

    def __init__(self, entry: Struct, *, merges: bool = False) -> None:
        self._entry, self._merges = entry, merges

    def read(self, value: Any, key: Key, reading: Reading) -> Any:
        if not isinstance(value, dict):
            raise wrong(value, key, "a mapping; leave the key out where there is nothing under it")
        for name in value:
            if not NAME.fullmatch(name):
                raise KeyFault((*key, name), "a name has letters, digits, dots, - and _ only")
        return {name: self._entry.read(entry, (*key, name), reading) for name, entry in value.items()}

    def merge(self, base: Any, over: Any) -> Any:
        if not self._merges:
            return {**base, **over}
        return {**base, **{name: self._merged(base.get(name), entry) for name, entry in over.items()}}

    def _merged(self, base: Any, over: Any) -> Any:
        return over if base is None else self._entry.merge(base, over)


class _Version:
    def read(self, value: Any, key: Key, reading: Reading) -> Any:  # noqa: ARG002 - looked at before
        return value

    def merge(self, base: Any, over: Any) -> Any:  # noqa: ARG002
        return over


FILE = Struct(
    {
        "version": _Version(),
        **{name: Section(entry, merges=name == "services") for name, entry in SECTIONS.items()},
    },
    since={"configs": (3, 3), "secrets": (3, 1)},
    pointer=True,
    notes=True,
)


def _sources(
    document: Document, filled: dict[str, Any], long: dict[str, Any], reading: Reading
) -> Iterator[tuple[str, Source]]:
    """By dotted key; items of lists by their label, target, source or published port."""
    for key in document.lines:
        yield dotted(key), document.source(key)
    for name, service in (filled.get("services") or {}).items():
        place = ("services", name)
        deploy = service.get("deploy") or {}
        yield from _pairs(document, (*place, "deploy", "labels"), deploy.get("labels"))
        for part in PAIRS:
            yield from _pairs(document, (*place, part), service.get(part))
        yield from _items(document, place, service, long["services"][name])
        for index, item in enumerate(service.get("ports", ())):
            source = document.source((*place, "ports", index))
            for port in read_port(item, (*place, "ports", index), reading):
                yield dotted((*place, "ports", port.get("published", 0))), source


def _pairs(document: Document, key: Key, value: Any) -> Iterator[tuple[str, Source]]:
    for index, item in enumerate(value if isinstance(value, list) else ()):
        yield dotted((*key, item.partition("=")[0])), document.source((*key, index))


def _items(
    document: Document, key: Key, service: dict[str, Any], long: dict[str, Any]
) -> Iterator[tuple[str, Source]]:
    for part, name in (("volumes", "target"), ("configs", "source"), ("secrets", "source")):
        for index, item in enumerate(long.get(part, ())):
            yield dotted((*key, part, item.get(name, ""))), document.source((*key, part, index))
    for part, value in service.items():
        for index, item in enumerate(value if isinstance(value, list) else ()):
            if isinstance(item, str):
                yield dotted((*key, part, item)), document.source((*key, part, index))


def nearest(sources: Mapping[str, Source], key: str) -> Source | None:
    """The place of a dotted key, or of the nearest key around it; None if nothing of it was read."""
    while key:
        if key in sources:
            return sources[key]
        key = key.rpartition(".")[0]
    return None


def fault(merged: Merged, key: str, message: str) -> RecipeError:
    return RecipeError(f"{key}: {message}", source=nearest(merged.sources, key))
