"""Levers that older results tell by another name: they are read by it, and an arm keeps its digest by it."""

from collections.abc import Mapping
from typing import NamedTuple

from cc_ci.levers.values import Value


class Former(NamedTuple):
    """What a lever was called, and what its words were, where they have others now."""

    name: str
    words: Mapping[str, str]
    """By the present word."""


FORMER: Mapping[str, Former] = {
    "plan.shape": Former("deploy.share", {"stages": "none", "chains3": "chains"}),
}
"""By the present name."""
PRESENT: Mapping[str, str] = {former.name: name for name, former in FORMER.items()}


def former(name: str, value: Value) -> tuple[str, Value]:
    """A lever's name and value as they were first written down."""
    if name not in FORMER:
        return name, value
    was = FORMER[name]
    return was.name, was.words.get(str(value), value)


def present(name: str, value: Value) -> tuple[str, Value]:
    """A lever's name and value as they are now, whenever they were written."""
    if name not in PRESENT:
        return name, value
    now = PRESENT[name]
    words = {before: word for word, before in FORMER[now].words.items()}
    return now, words.get(str(value), value)


def with_present_names(values: Mapping[str, Value]) -> dict[str, Value]:
    return dict(present(name, value) for name, value in values.items())
