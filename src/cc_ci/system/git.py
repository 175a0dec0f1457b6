"""Git repositories, read and cloned; nothing that a repository brings along is run."""

import os
import tarfile
import tempfile
from pathlib import Path

import msgspec

from cc_ci.errors import CommandFailed, InfrastructureError, StageFailed, UsageError
from cc_ci.system.environment import AUTHORITIES, PROXIES, own
from cc_ci.system.process import Completed, Runner, check
from cc_ci.system.units import Seconds

QUIET = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "-c", "safe.directory=*")
"""A repository's own settings may name programs, and one under test may belong to another user."""
ENVIRONMENT = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}

TRANSPORT = (*PROXIES, *AUTHORITIES, "GIT_SSL_CAINFO", "GIT_SSH_COMMAND", "SSH_AUTH_SOCK")
"""The user's own variables that say how a repository elsewhere is reached."""


REMOTE_PATIENCE: Seconds = 20.0


class RemoteError(InfrastructureError):
    """A repository's remote does not answer."""


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    """`commit` is what it points at in the end; a lightweight tag is not annotated."""

    name: str
    commit: str
    annotated: bool


def _git(repo: Path, *arguments: str, runner: Runner) -> Completed:
    # a folder inside of another repository is no repository
    ceiling = {"GIT_CEILING_DIRECTORIES": str(repo.resolve().parent)}
    return runner(["git", *QUIET, "-C", str(repo), *arguments], env={**ENVIRONMENT, **ceiling})


def is_repository(repo: Path, *, runner: Runner) -> bool:
    return (repo / ".git").exists() and _git(repo, "rev-parse", "--git-dir", runner=runner).ok


def list_tags(repo: Path, *, runner: Runner, reachable_from: str | None = None) -> tuple[Tag, ...]:
    """The tags of commits, by name; none where `repo` is no repository.

    With `reachable_from`, a commit, only its ancestors' and its own.
    """
    if not is_repository(repo, runner=runner):
        return ()
    merged = [f"--merged={reachable_from}"] if reachable_from else []
    form = "--format=%(refname:strip=2)%09%(objecttype)%09%(objectname)%09%(*objecttype)%09%(*objectname)"
    lines = check(_git(repo, "for-each-ref", *merged, form, "refs/tags", runner=runner)).stdout.splitlines()
    rows = (line.split("\t") for line in lines)
    return tuple(
        Tag(name=name, commit=target if kind == "tag" else commit, annotated=kind == "tag")
        for name, kind, commit, target_kind, target in rows
        if "commit" in (kind, target_kind)
    )


def commit_id(repo: Path, *, runner: Runner, ref: str = "HEAD") -> str | None:
    """The commit that `ref` names; None where there is none, or no repository."""
    if not is_repository(repo, runner=runner):
        return None
    found = _git(
        repo, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}", runner=runner
    )
    return found.stdout.strip() if found.ok else None


def is_shallow(repo: Path, *, runner: Runner) -> bool:
    """Whether the clone leaves out the older commits."""
    return _git(repo, "rev-parse", "--is-shallow-repository", runner=runner).stdout.strip() == "true"


def remote_tags(repo: Path, *, runner: Runner) -> tuple[str, ...]:
    """The names of the tags that the repository's remotes have; none where it has no remote.

    Raises RemoteError where one can't be asked. The remote's address is taken from the repository and
    nothing else of its settings: they may name programs to run.
    """
    listed = _git(
        repo, "config", "--local", "--no-includes", "--get-regexp", r"^remote\..*\.url$", runner=runner
    )
    addresses = [line.partition(" ")[2] for line in listed.stdout.splitlines()]
    return tuple(tag for address in addresses for tag in _tags_at(address, runner))


def _tags_at(address: str, runner: Runner) -> list[str]:
    argv = ["git", *QUIET, "ls-remote", "--tags", "--refs", "--", address]
    environment = {
        **ENVIRONMENT,
        **own(*TRANSPORT),
        "GIT_ALLOW_PROTOCOL": "https:http:ssh:git:file",
        "GIT_DIR": os.devnull,
    }
    try:
        asked = check(runner(argv, env=environment, cwd=Path("/"), timeout=REMOTE_PATIENCE))
    except CommandFailed as error:
        raise RemoteError(f"its remote can't be asked: {error}") from error
    return [line.partition("refs/tags/")[2] for line in asked.stdout.splitlines()]


def is_dirty(repo: Path, *, runner: Runner) -> bool:
    """Whether files differ from the last commit, or are in none; no repository is never dirty."""
    if not is_repository(repo, runner=runner):
        return False
    return bool(check(_git(repo, "status", "--porcelain", runner=runner)).stdout.strip())


def export_tree(repo: Path, ref: str, into: Path, *, runner: Runner) -> None:
    """Write the files of `ref` into a folder.

    Raises UsageError where there is no such ref, StageFailed for a link that leads out of it.
    """
    commit = commit_id(repo, runner=runner, ref=ref)
    if commit is None:
        raise UsageError(f"{ref}: no such tag or commit in {repo}")
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch) / "tree.tar"
        check(_git(repo, "archive", "--format=tar", f"--output={archive}", commit, runner=runner))
        with tarfile.open(archive) as tree:
            try:
                tree.extractall(into, filter="data")
            except tarfile.FilterError as error:
                raise StageFailed(f"{ref}: {error}; a link may only lead to files of its own tree") from None


def clone(url: str, into: Path, *, runner: Runner) -> None:
    """Clone with all tags. Raises UsageError with what git said."""
    try:
        protocols = {**own(*TRANSPORT), "GIT_ALLOW_PROTOCOL": "https:http:ssh:git:file"}
        argv = ["git", *QUIET, "clone", "--quiet", "--", url, str(into)]
        check(runner(argv, env={**ENVIRONMENT, **protocols}), what=f"git clone {url}")
    except CommandFailed as error:
        raise UsageError(f"{error}; give a recipe's name, path or URL") from error


def make(folder: Path, *, message: str, runner: Runner) -> None:
    """Make a folder a repository with one commit of all that is in it."""
    who = ("-c", "user.name=cc-ci", "-c", "user.email=cc-ci@localhost")
    env = {**ENVIRONMENT, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", message)):
        check(runner(["git", *QUIET, "-C", str(folder), *who, *words], env=env), what=f"git {words[0]}")
