"""Lint rules about images."""

import re
from collections.abc import Iterator

from cc_ci.recipes.app import App
from cc_ci.recipes.linting.findings import Finding, found
from cc_ci.recipes.stack import Stack

FLOATING = frozenset(
    ("latest", "main", "master", "edge", "dev", "develop", "nightly", "unstable", "stable", "beta", "alpha")
)
TAG_VERSION = re.compile(r"[a-zA-Z]{0,10}[-_.]?\d+(\.\d+)*([-_.+][0-9A-Za-z.+_-]+)?")


def image_tag(image: str) -> str | None:
    """The tag of a reference; None if it has none. A digest beside it does not count."""
    name = image.partition("@")[0].rpartition("/")[2]
    return name.partition(":")[2] or None


def good_tags(_app: App, stack: Stack) -> Iterator[Finding]:
    for service in stack.services.values():
        key = f"services.{service.name}.image"
        tag, source = image_tag(service.image), stack.source(key)
        pinned = "@sha256:" in service.image
        if tag is None and not pinned:
            yield found("R003", f"{key}: {service.image} has no tag", source, key=key)
        elif tag is not None and tag.lower() in FLOATING and not pinned:
            yield found(
                "R004", f"{key}: the tag {tag} floats: it names another image now and then", source, key=key
            )
        elif tag is not None and not TAG_VERSION.fullmatch(tag):
            yield found("R005", f"{key}: the tag {tag} is no version", source, key=key)
