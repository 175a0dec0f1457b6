"""What a recipe's backup labels come to: hooks, paths, and places for a marker. Pure."""

from collections.abc import Callable, Collection

from cc_ci.backups.hooks import Hook, When
from cc_ci.backups.marking import MarkerPlace
from cc_ci.backups.places import volume_content, volume_folder
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
    parts = tuple(f"{volume_content(volume.name)}/{part}" for part in volume.paths)
    return parts or (volume_folder(volume.name),)


def path_label(plan: BackupPlan, path: str, *, stack: Stack) -> str:
    """The label that makes `path` one of the planned ones, with its place."""
    volume = next(volume for volume in plan.volumes if path in _paths(volume))
    section, _, label = (volume.label or "").partition(".deploy.labels.")
    return located(stack, f"{section}.deploy.labels" if section else f"volumes.{volume.volume}", label)


def backup_places(plan: BackupPlan) -> tuple[MarkerPlace, ...]:
    """Where a backup has to bring a marker back: in whole volumes, and in those paths that are folders."""
    return tuple(
        MarkerPlace(volume=volume.name, key=volume.volume, folder=folder)
        for volume in plan.volumes
        for folder in volume.paths or ("",)
    )


def whole_volumes(plan: BackupPlan) -> tuple[str, ...]:
    """By key; of the others, only some files are sure to be in a backup."""
    return tuple(volume.volume for volume in plan.volumes if not volume.paths)


def upgrade_places(stack: Stack, plan: BackupPlan, *, unkept: Collection[str]) -> tuple[MarkerPlace, ...]:
    """Where an upgrade has to leave a marker: in each volume that holds something to be kept."""
    keys = {*(volume.volume for volume in plan.volumes), *plan.uncovered} - set(unkept)
    volumes = {key: stack.volumes[key] for key in sorted(keys)}
    return tuple(
        MarkerPlace(volume=volume.name, key=key)
        for key, volume in volumes.items()
        if not volume.driver_opts and volume.driver in (None, "local")
    )


def located(stack: Stack, section: str, label: str) -> str:
    """`compose.yml:31: services.app.deploy.labels: backupbot...`, as near as the reader knows."""
    source = stack.source(f"{section}.{label}") or stack.source(section)
    place = f"{source.file}:{source.line}: " if source else ""
    return f"{place}{section}: {label}" if label else f"{place}{section}"
