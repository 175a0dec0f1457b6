"""What a stack's labels say about backups, in the format of backup-bot-two. Pure."""

import posixpath
from collections.abc import Iterator

import msgspec

from cc_ci.recipes.stack import Service, Stack

BACKUP = "backupbot.backup"
VOLUMES = f"{BACKUP}.volumes."


class ServiceBackup(msgspec.Struct, frozen=True, kw_only=True):
    """A service whose volumes are backed up, and its hooks: shell commands in its container."""

    service: str
    backup_pre: str | None = None
    backup_post: str | None = None
    restore_pre: str | None = None
    restore_post: str | None = None


class VolumeBackup(msgspec.Struct, frozen=True, kw_only=True):
    """A volume by its key and Swarm's name; `paths` in it that are backed up, none for the whole of it."""

    volume: str
    name: str
    paths: tuple[str, ...] = ()


class BackupPlan(msgspec.Struct, frozen=True, kw_only=True):
    """`uncovered` are volumes by key that nothing backs up, though no label leaves them out on purpose."""

    services: tuple[ServiceBackup, ...] = ()
    volumes: tuple[VolumeBackup, ...] = ()
    uncovered: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    @property
    def enabled(self) -> bool:
        return bool(self.services)


def backup_plan(stack: Stack) -> BackupPlan:
    """Read the labels: volumes of services with backupbot.backup=true, unless a label leaves them out.

    Raises RecipeError for a label whose value is neither true nor false.
    """
    enabled = [service for service in stack.services.values() if _true(stack, service, BACKUP)]
    excluded = {volume for service in enabled for volume in _excluded(stack, service)}
    covered = {volume: _paths(service, volume) for service in enabled for volume in _mounted(stack, service)}
    volumes = {volume for service in stack.services.values() for volume in _mounted(stack, service)}
    return BackupPlan(
        services=tuple(_service(service) for service in enabled),
        volumes=tuple(
            VolumeBackup(volume=volume, name=stack.volumes[volume].name, paths=covered[volume])
            for volume in sorted(covered.keys() - excluded)
        ),
        uncovered=tuple(sorted(volumes - covered.keys() - excluded)),
        excluded=tuple(sorted(excluded)),
    )


def _service(service: Service) -> ServiceBackup:
    labels = service.labels
    return ServiceBackup(
        service=service.name,
        backup_pre=labels.get(f"{BACKUP}.pre-hook") or None,
        backup_post=labels.get(f"{BACKUP}.post-hook") or None,
        restore_pre=labels.get("backupbot.restore.pre-hook") or None,
        restore_post=labels.get("backupbot.restore.post-hook") or None,
    )


def _mounted(stack: Stack, service: Service) -> Iterator[str]:
    for mount in service.mounts:
        if mount.volume is not None and mount.volume in stack.volumes:
            yield mount.volume


def _excluded(stack: Stack, service: Service) -> Iterator[str]:
    for label in service.labels:
        volume = label.removeprefix(VOLUMES)
        if label.startswith(VOLUMES) and "." not in volume and not _true(stack, service, label):
            yield volume


def _paths(service: Service, volume: str) -> tuple[str, ...]:
    """Relative to the volume: its own label's, else those of the older label with paths in the container."""
    if given := service.labels.get(f"{VOLUMES}{volume}.path", ""):
        return tuple(path.strip().strip("/") for path in given.split(",") if path.strip())
    targets = [mount.target for mount in service.mounts if mount.volume == volume]
    paths = [path.strip() for path in service.labels.get(f"{BACKUP}.path", "").split(",") if path.strip()]
    return tuple(
        posixpath.relpath(path, target)
        for path in paths
        for target in targets
        if path.startswith(f"{target.rstrip('/')}/") and posixpath.relpath(path, target) != "."
    )


def _true(stack: Stack, service: Service, label: str) -> bool:
    text = service.labels.get(label, "").strip().lower()
    if text not in ("true", "false", "1", "0", ""):
        raise stack.fault(
            f"services.{service.name}.deploy.labels.{label}", f"{text!r} is neither true nor false"
        )
    return text in ("true", "1")
