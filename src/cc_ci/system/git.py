"""Git repositories, read and cloned; nothing that a repository brings along is run.

A repository that lies here is read through a bare one of our own (`git_objects`), with none of its settings.
"""

import contextlib
import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec

from cc_ci.errors import CommandFailed, InfrastructureError, StageFailed, TimedOut, UsageError
from cc_ci.system.environment import AUTHORITIES, PROXIES, own
from cc_ci.system.git_objects import borrowed, find, find_bare, is_partial, read_small
from cc_ci.system.held import temporary_folder
from cc_ci.system.process import Completed, Runner, check, check_whole
from cc_ci.system.trees import TreeAllowance
from cc_ci.system.units import Bytes, Seconds

LONGEST: Seconds = 60.0
"""For one command on a repository that lies here."""
LONGEST_CLONE: Seconds = 600.0
REMOTE_PATIENCE: Seconds = 20.0
CONFIG_LIMIT: Bytes = 1024 * 1024

QUIET = (
    *("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "-c", "submodule.recurse=false"),
    *("-c", f"core.attributesFile={os.devnull}", "-c", f"core.excludesFile={os.devnull}"),
)
ENVIRONMENT = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
ALONE = {
    **ENVIRONMENT,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
}
"""With no settings but a repository's own, and no way to any other."""
TRANSPORT = (*PROXIES, *AUTHORITIES, "GIT_SSL_CAINFO", "GIT_SSH_COMMAND", "SSH_AUTH_SOCK")
"""The user's own variables that say how a repository elsewhere is reached."""
ADDRESS = re.compile(
    r"(?:https|ssh)://(?:[^/@\s]*@)?[A-Za-z0-9\[][^/@\s]*(?:/[^\s\x00-\x1f\x7f]*)?"
    r"|\w[\w.-]*@[A-Za-z0-9\[][\w.:-]*:(?!-)[^\s\x00-\x1f\x7f]+"
    r"|file:///[^\x00-\x1f\x7f]+"
)
"""Nothing in it may be taken for an option."""
ATTRIBUTES = "* -export-ignore -export-subst -ident -text !eol !working-tree-encoding !filter\n"


class RemoteError(InfrastructureError):
    """A repository's remote does not answer."""


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    """`commit` is what it points at in the end; a lightweight tag is not annotated."""

    name: str
    commit: str
    annotated: bool


class Borrowed:
    """An untrusted repository, open for reading: see `git_objects`. `what` is what messages call it."""

    def __init__(self, bare: Path, *, what: Path, partial: bool, runner: Runner) -> None:
        self.bare = bare
        self._what = what
        self._partial = partial
        self._runner = runner

    def git(self, *arguments: str, tree: Path | None = None) -> Completed:
        """Run git on its objects, and with `tree` on that folder. Raises StageFailed past a deadline."""
        where = ["--git-dir", str(self.bare)]
        if tree:
            where += ["--work-tree", str(tree), "-c", "core.bare=false"]
        argv = ["git", *QUIET, *where, *arguments]
        try:
            return self._runner(argv, env=ALONE, cwd=tree or self.bare, timeout=LONGEST)
        except TimedOut as error:
            fault = f"git {arguments[0]} takes longer than {LONGEST:g} s"
            raise StageFailed(f"{self._what}: {fault}; look for pipes and huge files") from error

    def as_stored(self) -> None:
        """From now on files come out as they were put in, whatever the tree's own attributes say."""
        (self.bare / "info/attributes").write_text(ATTRIBUTES)

    def say(self, *arguments: str, tree: Path | None = None) -> str:
        """What git says. Raises StageFailed where it can't read, UsageError in a partial clone."""
        try:
            return check_whole(self.git(*arguments, tree=tree), what=f"git {arguments[0]}").stdout
        except CommandFailed as error:
            if self._partial:
                remedy = "it is a partial clone, and nothing is fetched for it; clone it without --filter"
                raise UsageError(f"{self._what}: {error}; {remedy}") from error
            raise StageFailed(f"{self._what}: {error}; clone the repository again") from error

    def commit(self, ref: str) -> str | None:
        found = self.git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
        return found.stdout.strip() if found.ok else None


@contextlib.contextmanager
def opened(repo: Path, *, runner: Runner) -> Iterator[Borrowed | None]:
    """The repository of a folder, to be read; None where it has none."""
    place = find(repo)
    if place is None:
        yield None
        return
    with borrowed(place) as bare:
        yield Borrowed(bare, what=repo, partial=is_partial(place), runner=runner)


def list_tags(repo: Path, *, runner: Runner, reachable_from: str | None = None) -> tuple[Tag, ...]:
    """The tags of commits, by name; none where `repo` is no repository.

    With `reachable_from`, a commit, only its ancestors' and its own: none before the first commit.
    """
    merged = [f"--merged={reachable_from}"] if reachable_from else []
    form = "--format=%(refname:strip=2)%09%(objecttype)%09%(objectname)%09%(*objecttype)%09%(*objectname)"
    with opened(repo, runner=runner) as found:
        if found is None or (reachable_from and found.commit(reachable_from) is None):
            return ()
        lines = found.say("for-each-ref", *merged, form, "refs/tags").splitlines()
    rows = (line.split("\t") for line in lines)
    return tuple(
        Tag(name=name, commit=target if kind == "tag" else commit, annotated=kind == "tag")
        for name, kind, commit, target_kind, target in rows
        if "commit" in (kind, target_kind)
    )


def commit_id(repo: Path, *, runner: Runner, ref: str = "HEAD") -> str | None:
    """The commit that `ref` names; None where there is none, or no repository."""
    with opened(repo, runner=runner) as found:
        return found.commit(ref) if found else None


def is_shallow(repo: Path, *, runner: Runner) -> bool:
    """Whether the clone leaves out the older commits."""
    with opened(repo, runner=runner) as found:
        return found is not None and found.say("rev-parse", "--is-shallow-repository").strip() == "true"


def is_dirty(repo: Path, *, runner: Runner) -> bool:
    """Whether files differ from the last commit, or are in none; no repository is never dirty.

    The index is made here: the repository's own may say of a file that it is not to be looked at. Submodules
    are not entered, since git would run itself in them, with their settings.
    """
    with opened(repo, runner=runner) as found:
        if found is None:
            return False
        found.say("read-tree", *(["HEAD"] if found.commit("HEAD") else ["--empty"]))
        said = found.say("status", "--porcelain", "--no-renames", "--ignore-submodules=all", tree=repo)
        return bool(said.strip())


def export_tree(repo: Path, ref: str, into: Path, *, runner: Runner) -> None:
    """Write the files of `ref` into a folder, as they were put in.

    Raises UsageError where there is no such ref, StageFailed for a link that leads out of it and for a tree
    that is too large.
    """
    with opened(repo, runner=runner) as found, temporary_folder() as scratch:
        commit = found.commit(ref) if found else None
        if found is None or commit is None:
            raise UsageError(f"{ref}: no such tag or commit in {repo}")
        _check_entries(found.git("ls-tree", "-r", "-l", "-z", "--full-tree", commit), ref)
        found.as_stored()
        archive = scratch / "tree.tar"
        found.say("archive", "--format=tar", f"--output={archive}", commit)
        into.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as tree:
            try:
                tree.extractall(into, filter="data")
            except tarfile.FilterError as error:
                raise StageFailed(f"{ref}: {error}; a link may only lead to files of its own tree") from None
            except (tarfile.TarError, OSError) as error:
                raise StageFailed(f"{ref}: its files can't be written out: {error}") from None


def _check_entries(listed: Completed, ref: str) -> None:
    """Before anything is written. What git can't list, it can't write either, and says why then."""
    allowance = TreeAllowance(ref)
    if listed.dropped:
        raise allowance.too_many()
    for line in filter(None, listed.stdout.split("\0")):
        facts, _, name = line.partition("\t")
        size = facts.split()[-1]
        allowance.take(int(size) if size.isdecimal() else 0)
        if {part.lower() for part in name.split("/")} & {"", ".", "..", ".git"}:
            raise StageFailed(f"{ref}: {name!r}: no name that a file of a recipe may have")


def remote_tags(repo: Path, *, runner: Runner) -> tuple[str, ...]:
    """The names of the tags that the repository's remotes have; none where it has no remote.

    Raises RemoteError where one can't be asked. The remote's address is taken from the repository and
    nothing else of its settings: they may name programs to run.
    """
    place = find(repo)
    config = read_small(place.common / "config", limit=CONFIG_LIMIT) if place else None
    argv = ["git", "config", "--file", "-", "--no-includes", "--get-regexp", r"^remote\..*\.url$"]
    listed = runner(argv, stdin=config or "", env=ALONE, cwd=Path("/"), timeout=LONGEST)
    addresses = [line.partition(" ")[2] for line in listed.stdout.splitlines()]
    return tuple(tag for address in addresses for tag in _tags_at(address, runner))


def _tags_at(address: str, runner: Runner) -> list[str]:
    try:
        if (folder := local_folder(address)) is not None:
            with _here(address, folder, runner=runner) as found:
                return found.say("for-each-ref", "--format=%(refname:strip=2)", "refs/tags").splitlines()
        _require_address(address)
        argv = ["git", *QUIET, "ls-remote", "--tags", "--refs", "--", address]
        env = {**_elsewhere(), "GIT_DIR": os.devnull}
        asked = check_whole(runner(argv, env=env, cwd=Path("/"), timeout=REMOTE_PATIENCE))
    except (CommandFailed, StageFailed, UsageError) as error:
        raise RemoteError(f"its remote can't be asked: {error}") from error
    return [line.partition("refs/tags/")[2] for line in asked.stdout.splitlines()]


def local_folder(address: str) -> Path | None:
    """The folder that an address names on this machine; None for one elsewhere."""
    if address.startswith("file://"):
        return Path(unquote(urlsplit(address).path))
    return Path(address) if address.startswith("/") else None


def _require_address(address: str) -> None:
    if not ADDRESS.fullmatch(address):
        ways = "https://, ssh://, user@host:path or file:///"
        raise UsageError(f"{address!r}: nothing is fetched from such an address; use {ways}")


def _elsewhere() -> dict[str, str]:
    """With the user's own settings, which know how a repository elsewhere is reached."""
    return {**ENVIRONMENT, **own(*TRANSPORT), "GIT_ALLOW_PROTOCOL": "https:ssh"}


def clone(url: str, into: Path, *, runner: Runner) -> None:
    """Clone with all tags. Raises UsageError with what git said.

    The files are laid out without the user's settings: these may name filters for what a repository brings.
    """
    _require_address(url)
    into.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder = local_folder(url)
        if folder is None:
            _fetch(url, into, env=_elsewhere(), runner=runner)
        else:
            _fetch_here(url, folder, into, runner=runner)
        lay_out = ["git", *QUIET, "-C", str(into), "reset", "--hard", "--quiet", "--no-recurse-submodules"]
        check(runner(lay_out, env=ALONE, timeout=LONGEST_CLONE), what=f"git reset in the clone of {url}")
    except (CommandFailed, StageFailed) as error:
        raise UsageError(f"{error}; give a recipe's name, path or URL") from error


def _fetch(url: str, into: Path, *, env: dict[str, str], runner: Runner) -> None:
    options = ("--quiet", "--no-checkout", "--no-local", "--template=")
    argv = ["git", *QUIET, "-c", "init.defaultRefFormat=files", "clone", *options, "--", url, str(into)]
    check(runner(argv, env=env, timeout=LONGEST_CLONE), what=f"git clone {url}")


@contextlib.contextmanager
def _here(address: str, folder: Path, *, runner: Runner) -> Iterator[Borrowed]:
    place = find_bare(folder)
    if place is None:
        raise UsageError(f"{address}: no git repository there")
    with borrowed(place) as bare:
        yield Borrowed(bare, what=folder, partial=is_partial(place), runner=runner)


def _fetch_here(url: str, folder: Path, into: Path, *, runner: Runner) -> None:
    with _here(url, folder, runner=runner) as found:
        _fetch(str(found.bare), into, env={**ALONE, "GIT_ALLOW_PROTOCOL": "file"}, runner=runner)
    renamed = ["git", *QUIET, "-C", str(into), "remote", "set-url", "origin", url]
    check(runner(renamed, env=ALONE, timeout=LONGEST), what="git remote set-url")


def make(folder: Path, *, message: str, runner: Runner) -> None:
    """Make a folder a repository with one commit of all that is in it."""
    who = ("-c", "user.name=cc-ci", "-c", "user.email=cc-ci@localhost")
    for words in (("init", "-q", "--template="), ("add", "-A"), ("commit", "-q", "-m", message)):
        argv = ["git", *QUIET, "-C", str(folder), *who, *words]
        check(runner(argv, env=ALONE, timeout=LONGEST), what=f"git {words[0]}")
