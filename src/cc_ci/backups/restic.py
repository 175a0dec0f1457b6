"""A restic repository of one run: argv that is pure, and the few calls that run it."""

import copy
import errno
import os
import secrets
import shlex
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import msgspec

from cc_ci.backups.listing import (
    FOUND,
    REMOVE,
    SAVED,
    Saved,
    as_restic_writes,
    found_files,
    in_the_way,
    packed,
    saved_files,
)
from cc_ci.backups.looking import require_room_to_restore
from cc_ci.backups.places import REPOSITORY, Access
from cc_ci.backups.reach import Reach
from cc_ci.errors import CommandFailed, InfrastructureError, StageFailed
from cc_ci.system.process import Completed, check, check_whole
from cc_ci.system.redaction import Redactor
from cc_ci.system.threads import Pool
from cc_ci.system.units import Bytes, Seconds

HOST = "cc-ci"
"""Instead of the machine's name, which has no place in what is kept."""
INCOMPLETE = 3
"""What `restic backup` exits with when it could not read all of it."""
ATTEMPTS = 3
SHOWN = 200
"""Letters of a path in a message."""
SHORT: Seconds = 120.0
LONG: Seconds = 900.0
"""For what takes as long as there is data."""


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


class BackupSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The last line of `restic backup --json`."""

    snapshot_id: str
    total_files_processed: int
    total_bytes_processed: int
    data_added: int


def init_argv() -> tuple[str, ...]:
    return ("restic", "init")


def backup_argv(paths: Sequence[str], *, tag: str) -> tuple[str, ...]:
    return ("restic", "backup", "--json", "--no-cache", "--host", HOST, "--tag", tag, "--", *paths)


def restore_argv(snapshot: str, paths: Sequence[str]) -> tuple[str, ...]:
    """Restore to /, as backup-bot-two does; --include keeps restic off the folders above the volumes."""
    include = [option for path in paths for option in ("--include", escaped(path))]
    return ("restic", "restore", "--no-cache", snapshot, "--target", "/", *include)


def escaped(path: str) -> str:
    r"""Restic reads includes as patterns, so `*?[\` in a name are taken literally."""
    return "".join(f"\\{letter}" if letter in "*?[\\" else letter for letter in path)


class Repository:
    """One run's repository, at REPOSITORY as `reach` sees it. Call `create` before anything else.

    `lists_ahead`: what a backup has is listed as soon as it is made, beside whatever comes next.

    Raises StageFailed for what no restic could back up, InfrastructureError for any failure of the tool.
    """

    def __init__(self, reach: Reach, *, redact: Redactor, lists_ahead: bool = False) -> None:
        self._reach = reach
        self._lists_ahead = lists_ahead
        self._listed: dict[str, Future[tuple[Saved, ...]]] = {}
        """By snapshot, none of which ever changes."""
        password = redact.learn(secrets.token_urlsafe(24), name="the backup's password")
        self._env = {"RESTIC_PASSWORD": password, "RESTIC_REPOSITORY": REPOSITORY}

    def through(self, reach: Reach) -> "Repository":
        """The same repository, for the volumes that `reach` gets at."""
        same = copy.copy(self)
        vars(same)["_reach"] = reach
        return same

    def create(self) -> None:
        check(self._restic(init_argv(), volumes=(), access="reads", timeout=SHORT), what="restic init")

    def backup(self, paths: Sequence[str], *, volumes: Sequence[str], tag: str) -> Snapshot:
        completed = self._backed_up(backup_argv(paths, tag=tag), volumes)
        summary = read_summary(completed.stdout)
        if self._lists_ahead:
            self._listed[summary.snapshot_id] = Pool().submit(self._list, summary.snapshot_id)
        return Snapshot(
            id=summary.snapshot_id,
            files=summary.total_files_processed,
            bytes=summary.total_bytes_processed,
            added=summary.data_added,
            seconds=completed.seconds,
            paths=tuple(paths),
            volumes=tuple(volumes),
        )

    def _backed_up(self, argv: Sequence[str], volumes: Sequence[str]) -> Completed:
        """Back up, again where restic could not read all: what an app moves about meanwhile is read then."""
        lasting: dict[str, UnreadPath] = {}
        for attempt in range(ATTEMPTS):
            completed = self._restic(argv, volumes=volumes, access="reads")
            unread = {fault.path: fault for fault in unread_of(completed)}
            lasting = {path: fault for path, fault in unread.items() if not attempt or path in lasting}
            if not lasting:
                return completed
        more = f" (and {len(lasting) - 1} more)" if len(lasting) > 1 else ""
        raise StageFailed(f"restic can't read {next(iter(lasting.values()))}{more}; it would be in no backup")

    def restore(self, snapshot: Snapshot) -> Restored:
        """Bring the snapshot's paths back, first removing what came to be below them since.

        Restic has `--delete` for that from 0.17 on; here it is done the same way with any version.
        """
        for volume in snapshot.volumes[:1]:
            require_room_to_restore(self._reach, volume=volume, needed=snapshot.bytes)
        removed = self._clear(snapshot)
        argv = restore_argv(snapshot.id, snapshot.paths)
        completed = self._restic(argv, volumes=snapshot.volumes, access="changes")
        if not completed.ok:
            raise CommandFailed(
                f"restic restore: {restore_fault(completed)}", returncode=completed.returncode
            )
        return Restored(snapshot=snapshot.id, removed=removed, seconds=completed.seconds)

    def files(self, snapshot: Snapshot) -> tuple[Saved, ...]:
        """What a snapshot has, with the folders above it."""
        begun = self._listed.get(snapshot.id)
        return begun.result() if begun else self._list(snapshot.id)

    def _list(self, snapshot: str) -> tuple[Saved, ...]:
        listed = self._restic(("sh", "-c", SAVED, "sh", snapshot), volumes=(), access="reads")
        return saved_files(check_whole(listed, what="restic ls").stdout)

    def _clear(self, snapshot: Snapshot) -> tuple[str, ...]:
        """Remove what the snapshot does not have, and what restic can't write over; the former's names."""
        saved = self.files(snapshot)
        find = ("sh", "-c", FOUND, "sh", *snapshot.paths)
        found = self._reach(find, volumes=snapshot.volumes, access="reads", timeout=LONG)
        listed = check_whole(found, what="find in the volumes").stdout
        if names := in_the_way(found_files(listed), saved):
            remove = ("sh", "-c", REMOVE)
            done = self._reach(
                remove, volumes=snapshot.volumes, access="changes", timeout=LONG, stdin=packed(names)
            )
            check(done, what="rm in the volumes")
        known = {file.path for file in saved}
        return tuple(name.decode(errors="replace") for name in names if as_restic_writes(name) not in known)

    def _restic(
        self, argv: Sequence[str], *, volumes: Sequence[str], access: Access, timeout: Seconds = LONG
    ) -> Completed:
        return self._reach(
            argv, volumes=volumes, access=access, timeout=timeout, repository=True, env=self._env
        )


def unread_of(completed: Completed) -> tuple["UnreadPath", ...]:
    """What restic could not read, but for files that were gone when it came to them.

    Raises CommandFailed where it failed as a whole.
    """
    if completed.returncode != INCOMPLETE:
        check(completed, what="restic backup")
        return ()
    return tuple(fault for fault in read_faults(completed.stderr) if fault.number != errno.ENOENT)


class UnreadPath(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    number: int | None
    said: str

    def __str__(self) -> str:
        path = self.path if len(self.path) <= SHOWN else f"{self.path[:SHOWN]}..."
        return f"{shlex.quote(path)}: {self.said}"


def read_faults(stderr: str) -> tuple[UnreadPath, ...]:
    """What `restic backup --json` told of files that it could not read."""
    return tuple(_unread(told) for told in _objects(stderr) if told.get("message_type") == "error")


def _objects(text: str) -> Iterator[Mapping[str, Any]]:
    for line in text.splitlines():
        try:
            told = msgspec.json.decode(line)
        except msgspec.MsgspecError:
            continue
        if isinstance(told, dict):
            yield told


def _unread(told: Mapping[str, Any]) -> UnreadPath:
    error = told.get("error")
    inner = error if isinstance(error, dict) else {}
    number = inner["Err"] if isinstance(inner.get("Err"), int) else None
    said = str(inner.get("message") or "not said why") if number is None else os.strerror(number).lower()
    path = str(told.get("item") or inner.get("Path") or "a file")
    return UnreadPath(path=path, number=number, said=said)


def restore_fault(completed: Completed) -> str:
    """The first file that could not be brought back, else the last that restic said."""
    lines = completed.stderr.strip().splitlines() or completed.stdout.strip().splitlines() or ["no output"]
    first = next((line for line in lines if line.startswith("ignoring error for ")), lines[-1])
    return f"exit {completed.returncode}: {first.removeprefix('ignoring error for ')}"


def read_summary(stdout: str) -> BackupSummary:
    for line in reversed(stdout.splitlines()):
        if '"message_type":"summary"' in line:
            return msgspec.json.decode(line, type=BackupSummary)
    raise InfrastructureError(
        "restic backup: it ended well but gave no summary; `restic version` tells which"
    )
