"""A restic repository of one run: argv that is pure, and the few calls that run it."""

import secrets
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

import msgspec

from cc_ci.backups.reach import Reach
from cc_ci.errors import InfrastructureError
from cc_ci.system.process import Completed, check, check_whole
from cc_ci.system.redaction import Redactor
from cc_ci.system.units import Bytes, Seconds

HOST = "cc-ci"
"""Instead of the machine's name, which has no place in what is kept."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup made; `bytes` and `files` are what was read, `added` what the repository grew by."""

    id: str
    files: int
    bytes: Bytes
    added: Bytes
    seconds: Seconds
    paths: tuple[str, ...]
    volumes: tuple[str, ...]


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What a restore did; `removed` are paths that were not in the snapshot."""

    snapshot: str
    removed: tuple[str, ...]
    seconds: Seconds


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The last line of `restic backup --json`."""

    snapshot_id: str
    total_files_processed: int
    total_bytes_processed: int
    data_added: int


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A line of `restic ls --json`; the first one is the snapshot's own and has no path."""

    path: str | None = None
    struct_type: str = "node"


def init_argv() -> tuple[str, ...]:
    return ("restic", "init")


def backup_argv(paths: Sequence[str], *, tag: str) -> tuple[str, ...]:
    return ("restic", "backup", "--json", "--no-cache", "--host", HOST, "--tag", tag, "--", *paths)


def restore_argv(snapshot: str, paths: Sequence[str]) -> tuple[str, ...]:
    """Restore to /, as backup-bot-two does; --include keeps restic off the folders above the volumes."""
    include = [option for path in paths for option in ("--include", escaped(path))]
    return ("restic", "restore", "--no-cache", snapshot, "--target", "/", *include)


def ls_argv(snapshot: str) -> tuple[str, ...]:
    return ("restic", "ls", "--json", "--no-cache", snapshot)


def escaped(path: str) -> str:
    r"""Restic reads includes as patterns, so `*?[\` in a name are taken literally."""
    return "".join(f"\\{letter}" if letter in "*?[\\" else letter for letter in path)


class Repository:
    """One run's repository. Any failure of the tool is ours (InfrastructureError), not the recipe's.

    `location` is as restic's `-r` takes it and as `reach` sees it. Call `create` before anything else.
    """

    def __init__(self, reach: Reach, *, location: str, redact: Redactor) -> None:
        self._reach = reach
        password = redact.learn(secrets.token_urlsafe(24))
        self._env = {"RESTIC_PASSWORD": password, "RESTIC_REPOSITORY": location}

    def create(self, *, timeout: Seconds = 120.0) -> None:
        check(self._run(init_argv(), volumes=(), timeout=timeout), what="restic init")

    def backup(
        self, paths: Sequence[str], *, volumes: Sequence[str], tag: str, timeout: Seconds | None = None
    ) -> Snapshot:
        argv = backup_argv(paths, tag=tag)
        completed = check(self._run(argv, volumes=volumes, timeout=timeout), what="restic backup")
        summary = read_summary(completed.stdout)
        return Snapshot(
            id=summary.snapshot_id,
            files=summary.total_files_processed,
            bytes=summary.total_bytes_processed,
            added=summary.data_added,
            seconds=completed.seconds,
            paths=tuple(paths),
            volumes=tuple(volumes),
        )

    def restore(self, snapshot: Snapshot, *, exact: bool = True, timeout: Seconds | None = None) -> Restored:
        """Bring the snapshot's paths back; `exact` also removes what came to be below them since.

        Restic has `--delete` for that from 0.17 on; here it is done the same way with any version.
        """
        argv = restore_argv(snapshot.id, snapshot.paths)
        completed = check(self._run(argv, volumes=snapshot.volumes, timeout=timeout), what="restic restore")
        removed = self._remove_later(snapshot) if exact else ()
        return Restored(snapshot=snapshot.id, removed=removed, seconds=completed.seconds)

    def _remove_later(self, snapshot: Snapshot) -> tuple[str, ...]:
        listed = check_whole(self._run(ls_argv(snapshot.id), volumes=()), what="restic ls")
        find = ("find", *snapshot.paths, "-print0")
        found = check_whole(self._run(find, volumes=snapshot.volumes), what="find in the volumes")
        later = tuple(topmost(set(found.stdout.split("\0")) - {""} - set(read_paths(listed.stdout))))
        if later:
            remove = ("xargs", "-0", "rm", "-rf", "--")
            names = "\0".join(later)
            check(self._run(remove, volumes=snapshot.volumes, stdin=names), what="rm in the volumes")
        return later

    def _run(
        self,
        argv: Sequence[str],
        *,
        volumes: Sequence[str],
        stdin: str | None = None,
        timeout: Seconds | None = None,
    ) -> Completed:
        env = self._env if argv[0] == "restic" else {}
        return self._reach(argv, volumes=volumes, stdin=stdin, env=env, timeout=timeout)


def read_summary(stdout: str) -> Summary:
    for line in reversed(stdout.splitlines()):
        if '"message_type":"summary"' in line:
            return msgspec.json.decode(line, type=Summary)
    raise InfrastructureError(
        "restic backup: it ended well but gave no summary; `restic version` tells which"
    )


def read_paths(stdout: str) -> tuple[str, ...]:
    nodes = (msgspec.json.decode(line, type=Listed) for line in stdout.splitlines() if line.strip())
    return tuple(node.path for node in nodes if node.path is not None and node.struct_type == "node")


def topmost(paths: Iterable[str]) -> tuple[str, ...]:
    """Those of `paths` that are not below another of them, sorted."""
    kept = set(paths)
    below = {path for path in kept if any(str(parent) in kept for parent in PurePosixPath(path).parents)}
    return tuple(sorted(kept - below))
