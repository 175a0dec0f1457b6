"""A stack's backup and restore, whole: hooks, paths, snapshot, in the order that an operator's bot has."""

import msgspec

from cc_ci.backups.hooks import PATIENCE, HookRun, When, run_hooks
from cc_ci.backups.looking import look
from cc_ci.backups.planned import path_label, planned_hooks, planned_paths
from cc_ci.backups.reach import Reach
from cc_ci.backups.restic import Repository, Restored, Snapshot
from cc_ci.engine.api import Engine
from cc_ci.errors import InfrastructureError, StageFailed
from cc_ci.recipes.backup_labels import BackupPlan
from cc_ci.recipes.stack import Stack
from cc_ci.system.clock import Clock
from cc_ci.system.units import Seconds


class BackupDone(msgspec.Struct, frozen=True, kw_only=True):
    snapshot: Snapshot
    hooks: tuple[HookRun, ...]
    seconds: Seconds


class RestoreDone(msgspec.Struct, frozen=True, kw_only=True):
    restored: Restored
    hooks: tuple[HookRun, ...]
    seconds: Seconds


class Backups:
    """Back one stack up and restore it, its containers running all the while, as backup-bot-two does.

    The stack that is restored into may be another deployment than the one that was backed up, if it has the
    same name. Raises StageFailed for what the recipe is to blame for: a hook that fails, a path that is not
    there; InfrastructureError for the tool.
    """

    def __init__(
        self,
        engine: Engine,
        reach: Reach,
        repository: Repository,
        *,
        stack: Stack,
        plan: BackupPlan,
        clock: Clock,
        patience: Seconds = PATIENCE,
    ) -> None:
        self._engine = engine
        self._reach = reach
        self._repository = repository
        self._stack = stack
        self._plan = plan
        self._clock = clock
        self._patience = patience

    def backup(self) -> BackupDone:
        started = self._clock.monotonic()
        before = self._hooks("backup.pre-hook")
        paths = planned_paths(self._plan)
        self._require(paths)
        volumes = [volume.name for volume in self._plan.volumes]
        snapshot = self._repository.backup(paths, volumes=volumes, tag=self._stack.name)
        after = self._hooks("backup.post-hook")
        seconds = self._clock.monotonic() - started
        return BackupDone(snapshot=snapshot, hooks=before + after, seconds=seconds)

    def restore(self, snapshot: Snapshot) -> RestoreDone:
        started = self._clock.monotonic()
        before = self._hooks("restore.pre-hook")
        restored = self._repository.restore(snapshot)
        after = self._hooks("restore.post-hook")
        seconds = self._clock.monotonic() - started
        return RestoreDone(restored=restored, hooks=before + after, seconds=seconds)

    def _hooks(self, when: When) -> tuple[HookRun, ...]:
        hooks = planned_hooks(self._plan, when, stack=self._stack)
        return run_hooks(
            self._engine,
            hooks,
            stack=self._stack.name,
            monotonic=self._clock.monotonic,
            patience=self._patience,
        )

    def _require(self, paths: tuple[str, ...]) -> None:
        """Restic skips what is not there and ends well, so a dump that no hook made is looked for first."""
        seen = look(self._reach, paths, volumes=[volume.name for volume in self._plan.volumes])
        if missing := [path for path in paths if path not in seen.there]:
            where = path_label(self._plan, missing[0], stack=self._stack)
            raise StageFailed(f"{where}: {missing[0]} is not there; a pre-hook should make it")
        if seen.used > seen.free:
            raise InfrastructureError(
                f"backup: the volumes hold {seen.used} bytes, the disk of the repository has {seen.free} free"
            )
