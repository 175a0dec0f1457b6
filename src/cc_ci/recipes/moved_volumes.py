"""Which volumes of one version the next one does not mount where they were. Pure."""

from collections.abc import Iterator

import msgspec

from cc_ci.recipes.stack import Stack


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
