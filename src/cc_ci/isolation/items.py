"""Things on a node, and whose each is, as far as the engine tells."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from cc_ci.engine.labels import ROLE, RUN, STACK
from cc_ci.engine.state import Container, Listed
from cc_ci.system.units import EpochSeconds

ItemKind = Literal["service", "container", "network", "volume", "secret", "config"]
KINDS: tuple[ItemKind, ...] = ("service", "container", "network", "volume", "secret", "config")
"""In the order in which they can be removed."""

PASSING_ROLES = ("lease", "lock")
"""Configs that are ours for as long as a run lasts; they are given back after the census."""
COMPOSE = "com.docker.compose.project"
SWARMS = ("ingress", "docker_gwbridge")
"""Networks that Swarm puts containers into by itself: to be in one says nothing."""
EVERYBODYS = ("bridge", "host", "none", *SWARMS)
"""Networks that the engine makes for itself, whoever is in them."""


LONGEST_RUN = 200


def run_of(labels: Mapping[str, str]) -> str | None:
    """The run that labels name, which anybody may write; None where it can be no run's name."""
    run = labels.get(RUN, "")
    plain = 0 < len(run) <= LONGEST_RUN and run.isprintable() and "/" not in run and run not in {".", ".."}
    return run if plain else None


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One thing on the node; `run` is the run that it was made for, None where nothing says of any."""

    kind: ItemKind
    id: str
    name: str
    labels: Mapping[str, str] = {}
    created: EpochSeconds = EpochSeconds(0.0)
    run: str | None = None
    volumes: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    """What a container mounts and is in, by name."""

    @property
    def stack(self) -> str | None:
        return self.labels.get(STACK)

    @property
    def said(self) -> bool:
        """Whether its own labels or Swarm's say whose it is, and not only what it is used with."""
        return run_of(self.labels) is not None or self.stack is not None

    @property
    def others(self) -> bool:
        """Whether its labels say that somebody else deployed it."""
        return self.run is None and not self.labels.keys().isdisjoint({STACK, COMPOSE})

    @property
    def passing(self) -> bool:
        return self.kind == "config" and self.labels.get(ROLE) in PASSING_ROLES


def item_of(kind: ItemKind, thing: Listed) -> Item:
    container = thing if isinstance(thing, Container) else None
    return Item(
        kind=kind,
        id=thing.id,
        name=thing.name,
        labels=dict(thing.labels),
        created=thing.created,
        volumes=container.volumes if container else (),
        networks=container.networks if container else (),
    )


def attributed(items: Iterable[Item], *, mounted: Mapping[str, str] = {}) -> tuple[Item, ...]:
    """Say whose each thing is: by its own label, else by its stack, its networks or its mounts.

    `mounted` has the run whose container was seen with a volume, by the volume's name. Where what there is
    speaks for two, or for a run and for something that is no run's, the thing stays without an owner.
    """
    listed = tuple(items)
    stacks = _runs_of_stacks(listed)
    labelled = [_owned(item, run_of(item.labels) or stacks.get(item.stack or "")) for item in listed]
    networks = {item.name: item.run for item in labelled if item.kind == "network"}
    settled = [_owned(item, _by_networks(item, networks)) for item in labelled]
    return tuple(_owned(item, _by_containers(item, settled, mounted)) for item in settled)


def _owned(item: Item, run: str | None) -> Item:
    return item if item.run or not run else msgspec.structs.replace(item, run=run)


def _runs_of_stacks(items: Sequence[Item]) -> dict[str, str]:
    """Whose a stack is: of the run that all its labelled things name, if no service of it lacks the label."""
    said: dict[str, set[str | None]] = {}
    for item in items:
        if item.stack and (item.kind == "service" or run_of(item.labels)):
            said.setdefault(item.stack, set()).add(run_of(item.labels))
    return {stack: run for stack, runs in said.items() if (run := _only(runs))}


def _by_networks(item: Item, networks: Mapping[str, str | None]) -> str | None:
    """A container that is in networks of one run and in no others; the proxy's is in many."""
    if item.kind != "container" or ROLE in item.labels:
        return None
    return _only({networks.get(name) for name in item.networks if name not in SWARMS})


def _by_containers(item: Item, items: Sequence[Item], mounted: Mapping[str, str]) -> str | None:
    """A volume or network that containers of one run use, and no others."""
    users = set(_users(item, items))
    if item.kind == "volume" and not users:
        return mounted.get(item.name)
    return _only(users)


def _users(item: Item, items: Sequence[Item]) -> Iterator[str | None]:
    if item.kind == "volume":
        yield from (one.run for one in items if item.name in one.volumes)
    elif item.kind == "network" and item.name not in EVERYBODYS:
        yield from (one.run for one in items if item.name in one.networks)


def _only(runs: set[str | None]) -> str | None:
    return next(iter(runs)) if len(runs) == 1 else None
