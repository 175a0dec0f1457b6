"""YAML as the stack loader reads it, with the line of every key.

Go's parser and PyYAML differ on scalars: `22:22`, `yes` and `2_000-1` are text there, `0555` and `0o555` the
same number; a key that is given twice is an error. A file is bounded before anything is made of it: see
`yaml_bounds`.
"""

import math
import re
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import msgspec
import yaml

from cc_ci.recipes.faults import Key, KeyFault, RecipeError, Source, dotted, refuse_steering
from cc_ci.recipes.yaml_bounds import TooMuch, refuse_too_much
from cc_ci.system.printable import one_line

TAG = "tag:yaml.org,2002:"
NULLS = {"", "~", "null", "Null", "NULL"}
BOOLEANS = {text: text.lower() == "true" for text in ("true", "True", "TRUE", "false", "False", "FALSE")}
INTEGER = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|0[oO]?[0-7]*|0[bB][01]+|[1-9][0-9]*)")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
SPECIAL_FLOAT = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
DATE = re.compile(r"(\d{4})-(\d\d?)-(\d\d?)")
TIMESTAMP = re.compile(r"\d{4}-\d\d?-\d\d?([Tt]|[ \t]+)\d\d?:\d\d:\d\d.*")
LARGEST = 2**64
MOST_DIGITS = 66
"""Those of LARGEST in binary, with sign and prefix: what has more digits is no whole number to Go, either."""


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One file: its values, and the line on which each key begins."""

    name: str
    tree: dict[str, Any]
    lines: Mapping[Key, int]

    def source(self, key: Key) -> Source:
        """The place of `key`, or of the nearest key around it."""
        while key and key not in self.lines:
            key = key[:-1]
        return Source(file=self.name, line=self.lines.get(key, 1))

    def blame(self, fault: KeyFault) -> RecipeError:
        thing = dotted(fault.key)
        return RecipeError(f"{thing}: {fault.fault}" if thing else fault.fault, source=self.source(fault.key))


class _Loader(yaml.CSafeLoader):
    def resolve(self, kind: type[yaml.Node], value: str, implicit: Any) -> str:
        if kind is not yaml.ScalarNode:
            return super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call,no-any-return]
        return TAG + ("plain" if implicit[0] else "str")


def read_document(text: str, *, name: str) -> Document:
    """Parse one file. Raises RecipeError with the line for what can't be parsed."""
    lines: dict[Key, int] = {(): 1}
    try:
        refuse_too_much(text)
        node = yaml.compose(text, Loader=_Loader)
        tree = _Values(lines).value(node, ()) if node else None
    except yaml.MarkedYAMLError as error:
        raise _yaml_fault(error, name) from None
    except yaml.YAMLError as error:
        raise RecipeError(
            f"not YAML: {' '.join(str(error).split())}", source=Source(file=name, line=1)
        ) from None
    except TooMuch as error:
        raise RecipeError(error.fault, source=Source(file=name, line=error.line)) from None
    except KeyFault as error:
        raise Document(name=name, tree={}, lines=lines).blame(error) from None
    if not isinstance(tree, dict):
        fault = "empty" if tree is None else "not a mapping of keys"
        raise RecipeError(f"{fault}; a compose file has `services:`", source=Source(file=name, line=1))
    return Document(name=name, tree=tree, lines=lines)


def _yaml_fault(error: yaml.MarkedYAMLError, name: str) -> RecipeError:
    mark = error.problem_mark or error.context_mark
    said = " ".join(part for part in (error.context, error.problem) if part)
    return RecipeError(f"not YAML: {said}", source=Source(file=name, line=mark.line + 1 if mark else 1))


class _Values:
    """Turns nodes into values, and notes the lines of keys on its way."""

    def __init__(self, lines: dict[Key, int]) -> None:
        self._lines = lines

    def value(self, node: yaml.Node, key: Key) -> Any:
        self._lines.setdefault(key, node.start_mark.line + 1)
        if isinstance(node, yaml.ScalarNode):
            return scalar(node.value, tag=node.tag, key=key)
        return self.mapping(node, key) if isinstance(node, yaml.MappingNode) else self._list(node, key)

    def _list(self, node: yaml.Node, key: Key) -> list[Any]:
        return [self.value(item, (*key, index)) for index, item in enumerate(node.value)]

    def mapping(self, node: yaml.MappingNode, key: Key) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            name = self._name(key_node, key)
            if name == "<<":
                continue
            if name in values:
                raise KeyFault((*key, name), f"given twice, again in line {key_node.start_mark.line + 1}")
            self._lines[(*key, name)] = key_node.start_mark.line + 1
            values[name] = self.value(value_node, (*key, name))
        for merged in _merged(node, key):
            self._merge(merged, key, into=values)
        return values

    def _merge(self, merged: yaml.MappingNode, key: Key, *, into: dict[str, Any]) -> None:
        """Take in what is not there yet, with its lines; the first that gives a key wins."""
        lines: dict[Key, int] = {}
        found = _Values(lines).mapping(merged, key)
        taken = found.keys() - into.keys()
        into.update({name: value for name, value in found.items() if name in taken})
        at = len(key)
        for place, line in lines.items():
            if len(place) > at and place[at] in taken:
                self._lines[place] = line

    def _name(self, node: yaml.Node, key: Key) -> str:
        self._lines.setdefault(key, node.start_mark.line + 1)
        name: Hashable = (
            scalar(node.value, tag=node.tag, key=key) if isinstance(node, yaml.ScalarNode) else None
        )
        if not isinstance(name, str):
            shown = (
                one_line(node.value, most=80) if isinstance(node, yaml.ScalarNode) else "a list or mapping"
            )
            raise KeyFault(
                key, f"the key {shown} in line {node.start_mark.line + 1} is not text; put it in quotes"
            )
        return name


def _merged(node: yaml.MappingNode, key: Key) -> Iterator[yaml.MappingNode]:
    for key_node, value_node in node.value:
        if key_node.value != "<<":
            continue
        for merged in value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node]:
            if not isinstance(merged, yaml.MappingNode):
                raise KeyFault((*key, "<<"), "only a mapping can be merged in")
            yield merged


def scalar(text: str, *, tag: str, key: Key) -> Any:
    """What Go's parser makes of a scalar. Raises KeyFault for an unquoted timestamp, .nan, a foreign tag."""
    if "\0" in text:
        raise KeyFault(key, "holds a zero byte, which no program takes; leave it out")
    refuse_steering(text, key)
    if tag in (TAG + "str", "!"):
        return text
    if tag not in {TAG + name for name in ("plain", "int", "float", "bool", "null")}:
        raise KeyFault(
            key, f"the tag {one_line(tag.removeprefix(TAG), most=80)} is not understood; leave it out"
        )
    if text in NULLS:
        return None
    if text in BOOLEANS:
        return BOOLEANS[text]
    if TIMESTAMP.fullmatch(text):
        raise KeyFault(key, f"{one_line(text, most=80)} is read as a point in time; put it in quotes")
    if SPECIAL_FLOAT.fullmatch(text):
        raise KeyFault(
            key, f"{one_line(text, most=80)} is read as a number that there is not; put it in quotes"
        )
    if date := DATE.fullmatch(text):
        year, month, day = date.groups()
        return f"{year}-{month:0>2}-{day:0>2} 00:00:00 +0000 UTC"
    return _number(text)


def _number(text: str) -> Any:
    plain = text.replace("_", "")
    if not text.startswith("_") and len(plain) <= MOST_DIGITS and INTEGER.fullmatch(plain):
        digits = re.sub(r"^([-+]?)0(?=[0-7])", r"\g<1>0o", plain)
        if abs(number := int(digits, 0)) < LARGEST:
            return number
    if not text.startswith("_") and FLOAT.fullmatch(plain):
        return float(plain) if math.isfinite(float(plain)) else text
    return text
