"""What a stack's labels say about backups, in the format of backup-bot-two. Pure."""

import posixpath
import re
from collections.abc import Iterator, Sequence

import msgspec

from cc_ci.recipes.faults import RecipeError
from cc_ci.recipes.stack import Service, Stack, Volume

BACKUP = "backupbot.backup"
VOLUMES = f"{BACKUP}.volumes."
PATHS = f"{BACKUP}.path"
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class ServiceBackup(msgspec.Struct, frozen=True, kw_only=True):
    """A service whose volumes are backed up, and its hooks: shell commands in its container."""

    service: str
    backup_pre: str | None = None
    backup_post: str | None = None
    restore_pre: str | None = None
    restore_post: str | None = None


class VolumeBackup(msgspec.Struct, frozen=True, kw_only=True):
    """A volume by its key and Swarm's name; `paths` in it that are backed up, none for the whole of it.

    `label` is the dotted key of the label that names the paths.
    """

    volume: str
    name: str
    paths: tuple[str, ...] = ()
    label: str | None = None


class BackupPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Volumes by key. Those that hold nothing to be kept are in none of the lists: in memory, or not mounted.

    `uncovered`: nothing backs them up, though no label leaves them out on purpose. `excluded`: a label does.
    `external`: they are not the stack's own.
    """

    services: tuple[ServiceBackup, ...] = ()
    volumes: tuple[VolumeBackup, ...] = ()
    uncovered: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    external: tuple[str, ...] = ()

    @property
    def enabled(self) -> bool:
        return bool(self.services)

    @property
    def hooked_restore(self) -> bool:
        """The recipe's own commands run in the app when it is restored."""
        return any(one.restore_pre or one.restore_post for one in self.services)


def backup_plan(stack: Stack) -> BackupPlan:
    """Read the labels: volumes of services with backupbot.backup=true, unless a label leaves them out.

    Raises RecipeError, with file and line, for a label that can't be meant: neither true nor false, a path
    that lies outside of its volume.
    """
    running = [service for service in stack.services.values() if service.deploy.replicas]
    enabled = [service for service in running if _true(stack, service, BACKUP)]
    for service in enabled:
        # one that lies in no volume would count for none
        tuple(_older_paths(stack, service))
    left_out = {service.name: set(_excluded(stack, service)) for service in running}
    covered: dict[str, list[VolumeBackup]] = {}
    for service in enabled:
        for key in _mounted(stack, service):
            if key not in left_out[service.name] and is_named(stack, service, key):
                covered.setdefault(key, []).append(_volume(stack, service, key))
    declared = {key for keys in left_out.values() for key in keys} - covered.keys()
    kept = {key for service in running for key in _mounted(stack, service)}
    return BackupPlan(
        services=tuple(_service(service) for service in enabled),
        volumes=tuple(_combined(covered[key]) for key in sorted(covered)),
        uncovered=tuple(sorted(kept - covered.keys() - declared)),
        excluded=tuple(sorted(declared)),
        external=tuple(sorted({key for service in running for key in _external(stack, service)})),
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


def in_memory(volume: Volume) -> bool:
    """A volume of the local driver that is a tmpfs: its data is gone with the container."""
    return volume.driver in (None, "local") and volume.driver_opts.get("type") == "tmpfs"


def _named(stack: Stack, service: Service) -> Iterator[tuple[str, Volume]]:
    for mount in service.mounts:
        if mount.volume is not None and mount.volume in stack.volumes:
            yield mount.volume, stack.volumes[mount.volume]


def _mounted(stack: Stack, service: Service) -> tuple[str, ...]:
    """The volumes of a service that hold something of the stack's own to be kept, each once."""
    named = dict(_named(stack, service))
    return tuple(key for key, one in named.items() if not one.external and not in_memory(one))


def _external(stack: Stack, service: Service) -> Iterator[str]:
    return (key for key, one in _named(stack, service) if one.external)


def _label_name(stack: Stack, key: str) -> str:
    """The name that labels give a volume: Swarm's, without the stack's."""
    return stack.volumes[key].name.removeprefix(f"{stack.name}_")


def _excluded(stack: Stack, service: Service) -> Iterator[str]:
    for key in stack.volumes:
        label = f"{VOLUMES}{_label_name(stack, key)}"
        if label in service.labels and not _true(stack, service, label):
            yield key


def _volume(stack: Stack, service: Service, key: str) -> VolumeBackup:
    paths, label = _paths(stack, service, key)
    where = f"services.{service.name}.deploy.labels.{label}" if label else None
    return VolumeBackup(volume=key, name=stack.volumes[key].name, paths=paths, label=where)


def _combined(found: Sequence[VolumeBackup]) -> VolumeBackup:
    """What several services say of one volume: the whole of it if one of them does."""
    if whole := [one for one in found if not one.paths]:
        return whole[0]
    paths = tuple(dict.fromkeys(path for one in found for path in one.paths))
    return msgspec.structs.replace(found[0], paths=paths)


def _paths(stack: Stack, service: Service, key: str) -> tuple[tuple[str, ...], str | None]:
    """Paths in the volume, and the label that names them; none for the whole of it."""
    label = f"{VOLUMES}{_label_name(stack, key)}.path"
    if label in service.labels:
        paths = tuple(_relative(stack, service, label, path) for path in service.labels[label].split(","))
        return (() if "." in paths else paths), label
    paths = tuple(path for mounted, path in _older_paths(stack, service) if mounted == key)
    return (() if "." in paths else paths), PATHS if paths else None


def _relative(stack: Stack, service: Service, label: str, written: str) -> str:
    """One path of a label, normal, below the root of its volume."""
    path = written.strip()
    if not path:
        raise _fault(stack, service, label, "an empty path; without the label, the whole volume is backed up")
    if CONTROL.search(path):
        raise _fault(stack, service, label, f"{path!r} has characters that no path in a label may have")
    if path.startswith("/"):
        raise _fault(stack, service, label, f"{path!r} is absolute; paths are relative to the volume's root")
    if ".." in path.split("/"):
        raise _fault(stack, service, label, f"{path!r} leads out of the volume; use a path without `..`")
    return posixpath.normpath(path)


def is_named(stack: Stack, service: Service, key: str) -> bool:
    """Whether the labels of a service back a volume up: the older label for paths names all that is."""
    own = f"{VOLUMES}{_label_name(stack, key)}"
    named = any(label == own or label.startswith(f"{own}.") for label in service.labels)
    return PATHS not in service.labels or named or key in dict(_older_paths(stack, service))


def _older_paths(stack: Stack, service: Service) -> Iterator[tuple[str, str]]:
    """What the older label names, which has paths in the container: volume and path in it."""
    for written in service.labels[PATHS].split(",") if PATHS in service.labels else ():
        path = written.strip()
        if not path.startswith("/") or CONTROL.search(path) or ".." in path.split("/"):
            raise _fault(stack, service, PATHS, f"{path!r} is no absolute path in the container")
        path = posixpath.normpath(path)
        mounts = [one for one in service.mounts if _lies_in(path, posixpath.normpath(one.target))]
        # a mount in a mount hides what is below it
        mount = max(mounts, key=lambda one: len(posixpath.normpath(one.target)), default=None)
        if mount is None or mount.volume is None:
            there = ", ".join(sorted(one.target for one in service.mounts if one.volume)) or "nowhere"
            fault = f"{path} lies in no volume of the service; volumes are mounted at {there}"
            raise _fault(stack, service, PATHS, fault)
        yield mount.volume, posixpath.relpath(path, posixpath.normpath(mount.target))


def _lies_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def _true(stack: Stack, service: Service, label: str) -> bool:
    text = service.labels.get(label, "").strip().lower()
    if text not in ("true", "false", "1", "0", ""):
        raise _fault(stack, service, label, f"{text!r} is neither true nor false")
    return text in ("true", "1")


def _fault(stack: Stack, service: Service, label: str, message: str) -> RecipeError:
    return stack.fault(f"services.{service.name}.deploy.labels.{label}", message)
