"""Versions of a recipe: `x.y.z+upstream`, from tags and labels, with the deviations that really occur."""

import re
from functools import total_ordering
from pathlib import Path
from typing import Literal

import msgspec

from cc_ci.system import git
from cc_ci.system.process import LocalRunner, Runner

VERSION = re.compile(
    r"v?(?P<left>[0-9]{1,9}(?:\.[0-9]{1,9}){0,3})(?P<pre>-[0-9A-Za-z.-]+)?(?:\+(?P<upstream>.*))?"
)
LONGEST = 255
"""Characters; a tag is a file's name."""


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

    def names(self, other: "Version") -> bool:
        """Whether both mean one version: an upstream part that one of them leaves out is no difference."""
        upstream = (
            not self.upstream or not other.upstream or _natural(self.upstream) == _natural(other.upstream)
        )
        return self.left == other.left and _natural(self.pre) == _natural(other.pre) and upstream


def _natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Numbers by value, before words: 1.9 is older than 1.10."""
    parts = re.findall(r"0*([0-9]+)|([a-z]+)", text.lower().removeprefix("v"))
    # of two numbers the one with more digits is larger; to convert ever so many takes ever so long
    return tuple((1, 0, word) if word else (0, len(number), number) for number, word in parts)


def parse_version(text: str) -> Version | None:
    """Read a label's or tag's text; None for what is no version."""
    match = VERSION.fullmatch(text.strip()) if len(text) <= LONGEST and text.isprintable() else None
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


class NoVersionBefore(msgspec.Struct, frozen=True, kw_only=True):
    """Why there is nothing to upgrade from: none was published, or this clone can't know."""

    outcome: Literal["skipped", "unverified"]
    reason: str


def published_versions(
    root: Path, *, runner: Runner | None = None, reachable_from: str | None = None
) -> tuple[PublishedVersion, ...]:
    """The tagged versions, oldest first, without tags that are none; empty where there is no repository.

    With `reachable_from`, those alone that are ancestors of that commit or tag, or are it.
    """
    tags = git.list_tags(root, runner=runner or LocalRunner(), reachable_from=reachable_from)
    found = (_published(tag) for tag in tags)
    return tuple(sorted((one for one in found if one), key=lambda one: one.version))


def _published(tag: git.Tag) -> PublishedVersion | None:
    version = parse_version(tag.name)
    if version is None:
        return None
    return PublishedVersion(tag=tag.name, version=version, commit=tag.commit, annotated=tag.annotated)


def version_before(
    root: Path, *, of: str | None = None, runner: Runner | None = None
) -> PublishedVersion | NoVersionBefore:
    """The newest version among the ancestors of the tag `of`, or else of the tree as it stands.

    It is never the tree's own commit, but a tree with changes is another one than its commit.
    """
    run = runner or LocalRunner()
    commit = git.commit_id(root, runner=run, ref=of or "HEAD")
    if commit is None:
        reason = "there is no git history, so that no earlier version is known"
        return NoVersionBefore(outcome="skipped", reason=reason)
    changed = of is None and git.is_dirty(root, runner=run)
    ancestors = published_versions(root, runner=run, reachable_from=commit)
    older = [one for one in ancestors if changed or one.commit != commit]
    return older[-1] if older else _none_before(root, run)


def _none_before(root: Path, runner: Runner) -> NoVersionBefore:
    if git.is_shallow(root, runner=runner):
        reason = "the clone is shallow and lacks earlier versions; git fetch --unshallow --tags gets them"
        return NoVersionBefore(outcome="unverified", reason=reason)
    if tags := published_versions(root, runner=runner):
        reason = f"first release: no tag is an ancestor of the tree (the newest is {tags[-1].tag})"
        return NoVersionBefore(outcome="skipped", reason=reason)
    try:
        elsewhere = [tag for tag in git.remote_tags(root, runner=runner) if parse_version(tag)]
    except git.RemoteError as error:
        reason = f"the clone has no tags, and {error}; run git fetch --tags, or say --from none"
        return NoVersionBefore(outcome="unverified", reason=reason)
    if elsewhere:
        reason = f"the clone has no tags, and its remote has {len(elsewhere)}; git fetch --tags gets them"
        return NoVersionBefore(outcome="unverified", reason=reason)
    return NoVersionBefore(outcome="skipped", reason="first release: no earlier version is published")
