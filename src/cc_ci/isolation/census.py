"""What exists on a node, and what a run left behind or took away."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from cc_ci.engine.api import Engine
from cc_ci.engine.labels import ROLE, RUN, SERVICE, STACK
from cc_ci.engine.state import Listed
from cc_ci.results.schema import Leak
from cc_ci.system.clock import Clock
from cc_ci.system.units import Seconds
from cc_ci.system.waiting import WaitTimeout, wait_until

Kind = Literal["service", "container", "network", "volume", "secret", "config"]
KINDS: tuple[Kind, ...] = ("service", "container", "network", "volume", "secret", "config")
"""In the order in which they can be removed."""

PASSING_ROLES = ("lease", "lock")
"""Ours for as long as a run lasts; they are given back after the census."""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One thing on the node; `run` is the run that it was made for, None for what is not of cc-ci."""

    kind: Kind
    id: str
    name: str
    labels: Mapping[str, str] = {}
    run: str | None = None

    @property
    def stack(self) -> str | None:
        return self.labels.get(STACK)

    @property
    def passing(self) -> bool:
        return self.labels.get(ROLE) in PASSING_ROLES


class Census(msgspec.Struct, frozen=True, kw_only=True):
    """All that exists, leases and locks apart; images are counted only: to keep them is a lever, no leak."""

    items: tuple[Item, ...]
    images: int | None = None

    def names(self) -> dict[str, tuple[str, ...]]:
        """For results.json: names by kind, sorted."""
        return {kind: tuple(sorted(item.name for item in self.items if item.kind == kind)) for kind in KINDS}

    def of_run(self, run: str) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.run == run)

    def runs(self) -> tuple[str, ...]:
        return tuple(sorted({item.run for item in self.items if item.run}))


def take(engine: Engine) -> Census:
    """Look at all that exists; several calls, so take it while nothing of one's own changes."""
    listed: dict[Kind, Sequence[Listed]] = {
        "service": engine.services(),
        "container": engine.containers(),
        "network": engine.networks(),
        "volume": engine.volumes(),
        "secret": engine.secrets(),
        "config": engine.configs(),
    }
    items = [
        Item(kind=kind, id=thing.id, name=thing.name, labels=dict(thing.labels))
        for kind, things in listed.items()
        for thing in things
    ]
    return Census(items=attributed(item for item in items if not item.passing), images=len(engine.images()))


def attributed(items: Iterable[Item]) -> tuple[Item, ...]:
    """Give things without a run's label that of their stack: containers and volumes often have no other."""
    listed = tuple(items)
    run_of = {item.stack: item.labels[RUN] for item in listed if item.stack and RUN in item.labels}
    return tuple(
        msgspec.structs.replace(item, run=item.labels.get(RUN) or run_of.get(item.stack or ""))
        for item in listed
    )


def diff(before: Census, after: Census, *, run: str | None = None) -> tuple[Leak, ...]:
    """What is new or gone between two censuses, sorted by kind and name.

    Left out are containers that a service of no run's has replaced meanwhile and, when `run` is told, what
    other runs own: they may come and go beside it.
    """
    known, present = _kept(before, run=run), _kept(after, run=run)
    lasting = _services(known) & _services(present)
    left = [Leak(kind=kind, name=name) for kind, name in _changed(present, known, lasting)]
    lost = [Leak(kind=kind, name=name, change="lost") for kind, name in _changed(known, present, lasting)]
    return tuple(left + lost)


def lasting_leaks(
    engine: Engine, before: Census, *, run: str | None = None, clock: Clock, timeout: Seconds = 15.0
) -> tuple[tuple[Leak, ...], Census]:
    """The leaks that are still there after `timeout`, and the last census.

    What was removed may show for seconds: Swarm drops a network from its node only after telling the others.
    """
    after = before

    def look() -> tuple[Leak, ...]:
        nonlocal after
        after = take(engine)
        return diff(before, after, run=run)

    try:
        found = wait_until(
            look, name="leaks to go", ready=lambda leaks: not leaks, timeout=timeout, clock=clock
        )
    except WaitTimeout:
        found = diff(before, after, run=run)
    return found, after


Identity = tuple[Kind, str]


def _kept(census: Census, *, run: str | None) -> dict[Identity, Item]:
    return {
        (item.kind, item.name): item
        for item in census.items
        if run is None or item.run is None or item.run == run
    }


def _services(items: Mapping[Identity, Item]) -> set[str]:
    return {name for (kind, name), item in items.items() if kind == "service" and item.run is None}


def _changed(
    these: Mapping[Identity, Item], those: Mapping[Identity, Item], lasting: set[str]
) -> list[Identity]:
    return sorted(
        identity
        for identity, item in these.items()
        if identity not in those and item.labels.get(SERVICE) not in lasting
    )


def line(leak: Leak) -> str:
    happened = "left behind" if leak.change == "left" else "gone, though no run had made it"
    return f"{leak.kind} {leak.name}: {happened}"
