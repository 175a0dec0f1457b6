"""Versions of a recipe: `x.y.z+upstream`, from tags and labels, with the deviations that really occur."""

import re
from collections.abc import Iterable
from functools import total_ordering
from pathlib import Path

import msgspec

from cc_ci.system.git import Tag, list_tags
from cc_ci.system.process import LocalRunner, Runner

VERSION = re.compile(r"v?(?P<left>\d+(?:\.\d+){0,3})(?P<pre>-[0-9A-Za-z.-]+)?(?:\+(?P<upstream>.*))?")


@total_ordering
class Version(msgspec.Struct, frozen=True, kw_only=True):
    """`left` is the recipe's own, padded to three numbers; `upstream` follows the plus, and may be empty."""

    text: str
    left: tuple[int, ...]
    pre: str = ""
    upstream: str = ""

    @property
    def _rank(self) -> tuple[object, ...]:
        # a pre-release is older than its release
        return (self.left, not self.pre, _natural(self.pre), _natural(self.upstream))

    def __lt__(self, other: "Version") -> bool:
        return self._rank < other._rank

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._rank == other._rank

    def __hash__(self) -> int:
        return hash(self._rank)


def _natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Numbers by value, before words: 1.9 is older than 1.10."""
    parts = re.findall(r"\d+|[a-z]+", text.lower().removeprefix("v"))
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)


def parse_version(text: str) -> Version | None:
    """Read a label's or tag's text; None for what is no version."""
    match = VERSION.fullmatch(text.strip())
    if match is None:
        return None
    numbers = tuple(int(number) for number in match["left"].split("."))
    return Version(
        text=text.strip(),
        left=numbers + (0,) * (3 - len(numbers)),
        pre=match["pre"] or "",
        upstream=match["upstream"] or "",
    )


class PublishedVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A tag that is a version."""

    tag: str
    version: Version
    commit: str
    annotated: bool


def published_versions(root: Path, *, runner: Runner | None = None) -> tuple[PublishedVersion, ...]:
    """The tagged versions, oldest first, without tags that are none; empty where there is no repository."""
    found = (_published(tag) for tag in list_tags(root, runner=runner or LocalRunner()))
    return tuple(sorted((one for one in found if one), key=lambda one: one.version))


def _published(tag: Tag) -> PublishedVersion | None:
    version = parse_version(tag.name)
    if version is None:
        return None
    return PublishedVersion(tag=tag.name, version=version, commit=tag.commit, annotated=tag.annotated)


def previous_version(published: Iterable[PublishedVersion], *, below: str | None) -> PublishedVersion | None:
    """The newest published version below a label's text; the newest of all where that is no version."""
    limit = parse_version(below) if below else None
    older = [one for one in published if limit is None or one.version < limit]
    return max(older, key=lambda one: one.version, default=None)
