"""What a recipe's backup labels come to: hooks, paths, and places for a marker. Pure."""

from collections.abc import Callable

from cc_ci.backups.hooks import Hook, When
from cc_ci.backups.markers import Place
from cc_ci.backups.reach import volume_content, volume_folder
from cc_ci.recipes.backup_labels import BackupPlan, ServiceBackup, VolumeBackup
from cc_ci.recipes.stack import Stack

_COMMAND: dict[When, Callable[[ServiceBackup], str | None]] = {
    "backup.pre-hook": lambda service: service.backup_pre,
    "backup.post-hook": lambda service: service.backup_post,
    "restore.pre-hook": lambda service: service.restore_pre,
    "restore.post-hook": lambda service: service.restore_post,
}


def planned_hooks(plan: BackupPlan, when: When, *, stack: Stack) -> tuple[Hook, ...]:
    """The hooks of one moment, in the order of the plan's services."""
    return tuple(
        Hook(
            service=service.service,
            when=when,
            command=command,
            where=located(stack, f"services.{service.service}.deploy.labels", f"backupbot.{when}"),
        )
        for service in plan.services
        if (command := _COMMAND[when](service))
    )


def planned_paths(plan: BackupPlan) -> tuple[str, ...]:
    """What restic is given: a volume's whole folder, or the paths in it that its label names."""
    return tuple(path for volume in plan.volumes for path in _paths(volume))


def _paths(volume: VolumeBackup) -> tuple[str, ...]:
    parts = tuple(f"{volume_content(volume.name)}/{part.strip('/')}" for part in volume.paths)
    return parts or (volume_folder(volume.name),)


def path_label(plan: BackupPlan, path: str, *, stack: Stack) -> str:
    """The label that makes `path` one of the planned ones, with its place."""
    volume = next(volume for volume in plan.volumes if path in _paths(volume))
    label = f"backupbot.backup.volumes.{volume.volume}.path"
    owners = [name for name, service in stack.services.items() if label in service.labels]
    section = f"services.{owners[0]}.deploy.labels" if owners else f"volumes.{volume.volume}"
    return located(stack, section, label)


def marker_places(plan: BackupPlan) -> tuple[Place, ...]:
    """One place in each volume that is covered whole; of the others only some files are."""
    return tuple(Place(volume=volume.name) for volume in plan.volumes if not volume.paths)


def located(stack: Stack, section: str, label: str) -> str:
    """`compose.yml:31: services.app.deploy.labels: backupbot...`, as near as the reader knows."""
    source = stack.source(f"{section}.{label}") or stack.source(section)
    place = f"{source.file}:{source.line}: " if source else ""
    return f"{place}{section}: {label}"
