"""Where a thing is that a finding is about."""

from collections.abc import Iterator
from typing import Any

from cc_ci.recipes.app import App
from cc_ci.recipes.faults import Key, Source, dotted
from cc_ci.recipes.recipe import read_text
from cc_ci.recipes.stack import Stack
from cc_ci.recipes.yaml_text import Document, read_document


def defined(stack: Stack, service: str) -> Source | None:
    """Where a service is made, which is where its image is: other files only add to it."""
    return stack.source(f"services.{service}.image")


def documents(app: App) -> Iterator[Document]:
    """The app's compose files as they are written, one by one, before any variable is filled in."""
    for path in app.compose_files:
        name = str(path.relative_to(app.recipe.root))
        yield read_document(read_text(app.recipe.root, name), name=name)


def texts(value: Any, key: Key = ()) -> Iterator[tuple[Key, str]]:
    """Every text of a tree with its key."""
    if isinstance(value, dict):
        for name, child in value.items():
            yield from texts(child, (*key, name))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from texts(child, (*key, index))
    elif isinstance(value, str):
        yield key, value


def shown(key: Key, text: str) -> str:
    """A key as people write it: an item of a list of KEY=value by its name."""
    pair = isinstance(key[-1], int) and "=" in text
    return dotted((*key[:-1], text.partition("=")[0]) if pair else key)
