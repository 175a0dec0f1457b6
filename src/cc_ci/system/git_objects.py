"""An untrusted repository's objects and names, in a bare repository of our own; nothing of its settings.

A repository's config, attributes, hooks, filters, alternates and remotes can each make git run a program,
and new versions of git bring new ways. So git never sees them: the objects are linked into an empty
repository of our own, tags and branches are read here, as text, and written anew, and git works on that. A
link or an odd file where objects or names should be is refused: it may lead to somebody else's.
"""

import contextlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from cc_ci.errors import UsageError
from cc_ci.system.held import temporary_folder
from cc_ci.system.units import Bytes

ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
LONG_ID = 64
"""Digits of an id in a repository with SHA-256."""
NAME = re.compile(
    r"(?!.*(?:\.\.|@\{|//|/\.|\.lock(?:/|$)))refs/(?:tags|heads)/[^\x00-\x20\x7f~^:?*\[\\]+(?<![/.])"
)
"""What git takes for the name of a tag or branch (git-check-ref-format)."""
NAMES_LIMIT: Bytes = 16 * 1024 * 1024
LINE_LIMIT: Bytes = 4096
DEEPEST = 16
MOST_NAMES = 100_000
SYMBOLIC = "ref: "

CONFIG = """\
[core]
	repositoryformatversion = 1
	bare = true
	multiPackIndex = false
	commitGraph = false
[extensions]
	objectFormat = {format}
"""


class RepositoryPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a repository keeps its own: `own` has HEAD, `common` the rest, which several work trees share."""

    own: Path
    common: Path


def find(folder: Path) -> RepositoryPlace | None:
    """The repository whose work tree `folder` is; None where it is none's.

    Raises UsageError where `.git` leads to a repository that does not know of this folder.
    """
    entry = folder / ".git"
    mode = _mode(entry)
    if mode is None:
        return None
    if stat.S_ISDIR(mode):
        return RepositoryPlace(own=entry, common=entry)
    text = read_small(entry) if stat.S_ISREG(mode) else None
    if text is None or not text.startswith("gitdir: "):
        raise _refused(entry, "neither a folder nor a file that names one")
    own = Path(os.path.realpath(folder / text.removeprefix("gitdir: ").rstrip("\n")))
    return _linked(folder, own) or _inside(folder, own)


def find_bare(folder: Path) -> RepositoryPlace | None:
    """The repository that `folder` has, or that it is without a work tree."""
    parts = (folder / "HEAD", folder / "objects", folder / "refs")
    there = None not in map(_mode, parts)
    return find(folder) or (RepositoryPlace(own=folder, common=folder) if there else None)


def is_partial(place: RepositoryPlace) -> bool:
    """Whether it was cloned with a filter, so that objects may be missing."""
    return any((place.common / "objects/pack").glob("*.promisor"))


def _linked(folder: Path, own: Path) -> RepositoryPlace | None:
    """A work tree that `git worktree add` made: both sides name each other."""
    back, common_text = read_small(own / "gitdir"), read_small(own / "commondir")
    if back is None or common_text is None:
        return None
    common = Path(os.path.realpath(own / common_text.rstrip("\n")))
    names_us = os.path.realpath(back.rstrip("\n")) == os.path.realpath(folder / ".git")
    # only its owner can have put it there
    if names_us and own.parent == common / "worktrees":
        return RepositoryPlace(own=own, common=common)
    raise _refused(folder / ".git", f"names {own}, which is not the other side of it")


def _inside(folder: Path, own: Path) -> RepositoryPlace:
    """A submodule: its repository names this folder as its work tree."""
    written = re.search(
        r'^\s*worktree\s*=\s*"?([^"\n]+)"?\s*$', read_small(own / "config") or "", re.MULTILINE
    )
    tree = os.path.realpath(own / written[1].strip()) if written else None
    if tree == os.path.realpath(folder) or own.is_relative_to(os.path.realpath(folder)):
        return RepositoryPlace(own=own, common=own)
    raise _refused(folder / ".git", f"names {own}, which does not name this folder")


def _refused(path: Path, why: str) -> UsageError:
    return UsageError(f"{path}: {why}; it is not followed; clone the repository, and give the clone's folder")


def _mode(path: Path) -> int | None:
    try:
        return path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None


def read_small(path: Path, *, limit: Bytes = LINE_LIMIT) -> str | None:
    """The text of a plain file, None where there is none. Raises UsageError for what is none or too large."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _refused(path, f"can't be read ({error.strerror})") from None
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _refused(path, "no plain file")
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise _refused(path, f"larger than {limit} bytes")
    return content.decode(errors="surrogateescape")


@contextlib.contextmanager
def borrowed(place: RepositoryPlace) -> Iterator[Path]:
    """A bare repository with the objects, tags, branches and HEAD of `place`, while the context is open."""
    names = dict(_packed(place.common)) | dict(_loose(place.common))
    head = _head(place, names)
    ids = {*names.values(), *([head] if head else [])}
    if ids and len({len(one) for one in ids}) > 1:
        raise _refused(place.common, "has ids of two lengths")
    with temporary_folder("git-") as bare:
        long = any(len(one) == LONG_ID for one in ids)
        (bare / "config").write_text(CONFIG.format(format="sha256" if long else "sha1"))
        (bare / "HEAD").write_text(f"{head or 'ref: refs/heads/none'}\n")
        lines = (f"{names[name]} {name}\n" for name in sorted(names))
        (bare / "packed-refs").write_text("".join(lines), errors="surrogateescape")
        for folder in ("objects/info", "refs", "info"):
            (bare / folder).mkdir(parents=True)
        excluded = read_small(place.common / "info/exclude", limit=NAMES_LIMIT) or ""
        (bare / "info/exclude").write_text(excluded, errors="surrogateescape")
        if shallow := _shallow(place.common):
            (bare / "shallow").write_text(shallow)
        _link_objects(place.common / "objects", bare / "objects")
        yield bare


def _packed(common: Path) -> Iterator[tuple[str, str]]:
    for line in (read_small(common / "packed-refs", limit=NAMES_LIMIT) or "").splitlines():
        commit, _, name = line.partition(" ")
        if ID.fullmatch(commit) and NAME.fullmatch(name):
            yield name, commit


def _loose(common: Path) -> Iterator[tuple[str, str]]:
    """Tags and branches that have a file each; a symbolic one is nobody's version."""
    waiting = [
        (Path(entry.path), f"refs/{entry.name}", 0)
        for entry in _plain_entries(common / "refs")
        if entry.name in ("tags", "heads")
    ]
    seen = 0
    if _mode(common / "reftable") is not None:
        raise _refused(common / "reftable", "names in a format that is not read here")
    while waiting:
        folder, prefix, depth = waiting.pop()
        for entry in _plain_entries(folder):
            name, seen = f"{prefix}/{entry.name}", seen + 1
            if seen > MOST_NAMES or depth > DEEPEST:
                raise _refused(folder, "too many names, or too deep ones")
            if entry.is_dir(follow_symlinks=False):
                waiting.append((Path(entry.path), name, depth + 1))
                continue
            commit = (read_small(Path(entry.path)) or "").strip()
            if NAME.fullmatch(name) and ID.fullmatch(commit):
                yield name, commit


def _head(place: RepositoryPlace, names: Mapping[str, str]) -> str | None:
    text = (read_small(place.own / "HEAD") or "").strip()
    if text.startswith(SYMBOLIC):
        return names.get(text.removeprefix(SYMBOLIC).strip())
    return text if ID.fullmatch(text) else None


def _shallow(common: Path) -> str:
    lines = (read_small(common / "shallow", limit=NAMES_LIMIT) or "").splitlines()
    return "".join(f"{line}\n" for line in lines if ID.fullmatch(line))


def _link_objects(objects: Path, into: Path) -> None:
    for entry in _plain_entries(objects):
        if entry.name == "info" and (read_small(objects / "info/alternates") or "").strip():
            raise UsageError(
                f"{objects}/info/alternates: borrows from another repository, which is not read;"
                " run `git repack -a -d` and remove that file"
            )
        if entry.is_dir(follow_symlinks=False) and re.fullmatch(r"[0-9a-f]{2}|pack", entry.name):
            for file in _plain_entries(Path(entry.path)):
                if not file.is_file(follow_symlinks=False):
                    raise _refused(Path(file.path), "no plain file")
            (into / entry.name).symlink_to(os.path.realpath(entry.path))


def _plain_entries(folder: Path) -> Iterator["os.DirEntry[str]"]:
    """What is in a folder, none of it a link; nothing where there is no folder."""
    mode = _mode(folder)
    if mode is None:
        return
    if not stat.S_ISDIR(mode):
        raise _refused(folder, "no plain folder")
    for entry in os.scandir(folder):
        if entry.is_symlink():
            raise _refused(Path(entry.path), "a link")
        yield entry
