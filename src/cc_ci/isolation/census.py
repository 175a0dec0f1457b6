"""What exists on a node, and what a run left behind or took away."""

from collections.abc import Mapping, Sequence

import msgspec

from cc_ci.engine.api import Engine
from cc_ci.engine.labels import SERVICE
from cc_ci.engine.state import Listed
from cc_ci.isolation.items import KINDS, Item, ItemKind, attributed, item_of
from cc_ci.results.schema import Leak
from cc_ci.system.clock import Clock
from cc_ci.system.printable import one_line
from cc_ci.system.units import Seconds
from cc_ci.system.waiting import WaitTimeout, wait_until


class NodeCensus(msgspec.Struct, frozen=True, kw_only=True):
    """All that exists, leases and locks apart; images are counted only: to keep them is a lever, no leak."""

    items: tuple[Item, ...]
    images: int | None = None

    def names(self) -> dict[str, tuple[str, ...]]:
        """For results.json: names by kind, sorted."""
        return {kind: tuple(sorted(item.name for item in self.items if item.kind == kind)) for kind in KINDS}

    def runs(self) -> tuple[str, ...]:
        return tuple(sorted({item.run for item in self.items if item.run}))


def take(engine: Engine, *, mounted: Mapping[str, str] = {}) -> NodeCensus:
    """Look at all that exists; several calls, so take it while nothing of one's own changes.

    `mounted` has the run whose container was seen with a volume, by the volume's name.
    """
    listed: dict[ItemKind, Sequence[Listed]] = {
        "service": engine.services(),
        "container": engine.containers(),
        "network": engine.networks(),
        "volume": engine.volumes(),
        "secret": engine.secrets(),
        "config": engine.configs(),
    }
    items = (item_of(kind, thing) for kind, things in listed.items() for thing in things)
    kept = attributed((item for item in items if not item.passing), mounted=mounted)
    return NodeCensus(items=kept, images=len(engine.images()))


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What came and went between two censuses: `leaks` are the run's; of `unclear` nothing says whose."""

    leaks: tuple[Leak, ...] = ()
    unclear: tuple[Leak, ...] = ()


def diff(
    before: NodeCensus, after: NodeCensus, *, run: str | None = None, alone: bool = True
) -> tuple[Leak, ...]:
    """What is new or gone between two censuses and is of `run`, sorted by kind and name; see `compare`."""
    return compare(before, after, run=run, alone=alone).leaks


def compare(
    before: NodeCensus, after: NodeCensus, *, run: str | None = None, alone: bool = True
) -> Difference:
    """Hold two censuses against each other.

    Left out are containers that a service of no run's has replaced meanwhile and, when `run` is told, what
    other runs own: they may come and go beside it. What nothing says an owner of is `run`'s by its time if
    that was `alone`: nobody else used the node between the two.
    """
    known, present = ({(item.kind, item.name): item for item in one.items} for one in (before, after))
    lasting = _services(known) & _services(present)
    changed = [
        *((item, Leak(kind=item.kind, name=item.name)) for item in _only_in(present, known)),
        *((item, Leak(kind=item.kind, name=item.name, change="lost")) for item in _only_in(known, present)),
    ]
    told = [
        (item, leak)
        for item, leak in changed
        if item.labels.get(SERVICE) not in lasting and (run is None or item.run in {None, run})
    ]
    sure = run is None or alone
    return Difference(
        leaks=tuple(leak for item, leak in told if sure or item.run),
        unclear=tuple(leak for item, leak in told if not (sure or item.run or item.others)),
    )


def lasting_difference(
    engine: Engine,
    before: NodeCensus,
    *,
    run: str | None = None,
    alone: bool = True,
    mounted: Mapping[str, str] = {},
    clock: Clock,
    timeout: Seconds = 15.0,
) -> tuple[Difference, NodeCensus]:
    """What is still different after `timeout`, and the last census.

    What was removed may show for seconds: Swarm drops a network from its node only after telling the others.
    """
    after = before

    def look() -> Difference:
        nonlocal after
        after = take(engine, mounted=mounted)
        return compare(before, after, run=run, alone=alone)

    try:
        found = wait_until(
            look, name="leaks to go", ready=lambda found: not found.leaks, timeout=timeout, clock=clock
        )
    except WaitTimeout:
        found = compare(before, after, run=run, alone=alone)
    return found, after


ItemIdentity = tuple[ItemKind, str]


def _only_in(these: Mapping[ItemIdentity, Item], those: Mapping[ItemIdentity, Item]) -> list[Item]:
    return [these[identity] for identity in sorted(these) if identity not in those]


def _services(items: Mapping[ItemIdentity, Item]) -> set[str]:
    return {name for (kind, name), item in items.items() if kind == "service" and item.run is None}


def line(leak: Leak) -> str:
    happened = "left behind" if leak.change == "left" else "gone, though no run had made it"
    return f"{leak.kind} {one_line(leak.name)}: {happened}"
