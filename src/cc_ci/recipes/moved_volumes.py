"""Which volumes of one version the next one does not mount where they were. Pure."""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

import msgspec

from cc_ci.recipes.stack import Service, Stack


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a volume, by its name in Swarm; `gone`: nothing of the new version mounts it."""

    volume: str
    gone: bool
    said: str


def moved_volumes(old: Stack, new: Stack) -> tuple[Move, ...]:
    """The volumes that are not mounted any more where they were, each once."""
    now = dict(_mounts(new))
    found: dict[str, Move] = {}
    for (service, target), (key, name) in _mounts(old):
        there = now.get((service, target))
        if there and there[1] == name:
            continue
        at = [f"{place[0]}:{place[1]}" for place, (_, mounted) in now.items() if mounted == name]
        source = new.source(f"services.{service}.volumes.{target}") if service in new.services else None
        said = (
            f"{f'{source}: ' if source else ''}volume {key} was at {service}:{target}; "
            f"{f'volume {there[0]}' if there else 'no volume'} is there now, "
            f"and {_where(at)}"
        )
        found.setdefault(name, Move(volume=name, gone=not at, said=said))
    return tuple(found.values())


def _where(at: list[str]) -> str:
    return f"it is at {', '.join(at)}" if at else "it is mounted nowhere"


def _mounts(stack: Stack) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    for service in stack.services.values():
        for mount in service.mounts:
            if mount.volume is not None and mount.volume in stack.volumes:
                yield (service.name, mount.target), (mount.volume, stack.volumes[mount.volume].name)


def moved_data(old: Stack, new: Stack, *, declared: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Services whose new image keeps its data elsewhere than the volume is mounted; a line each.

    `declared` are the volumes that an image itself declares, by its reference. What an image keeps where
    nothing is mounted goes into a volume without a name, which the next update leaves behind. One more
    declared folder alone is no move: a cache may be kept so.
    """
    both = sorted(old.services.keys() & new.services.keys())
    lines = (_moved(old.services[name], new.services[name], new, declared) for name in both)
    return tuple(line for line in lines if line)


def _moved(
    before: Service, after: Service, new: Stack, declared: Mapping[str, tuple[str, ...]]
) -> str | None:
    were, are = (set(declared.get(one.image, ())) for one in (before, after))
    left = sorted(folder for folder in were - are if _named_at(before, folder))
    bare = sorted(folder for folder in are - were if not _is_covered(after, folder))
    if not (left and bare):
        return None
    place = new.place(f"services.{after.name}.image")
    return (
        f"{place}{after.image} keeps its data at {bare[0]}, where no volume is mounted; "
        f"{before.image} kept it at {left[0]}, where volume {_named_at(before, left[0])} is"
    )


def _named_at(service: Service, folder: str) -> str | None:
    return next(
        (mount.volume for mount in service.mounts if mount.target.rstrip("/") == folder.rstrip("/")), None
    )


def _is_covered(service: Service, folder: str) -> bool:
    """Whether something is mounted there or above it; below is not enough."""
    above = {PurePosixPath(folder), *PurePosixPath(folder).parents}
    return any(PurePosixPath(mount.target) in above for mount in service.mounts)
