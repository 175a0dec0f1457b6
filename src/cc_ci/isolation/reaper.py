"""Removing what dead runs left on a node, and leaving what live ones have there."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from cc_ci.engine.api import Engine
from cc_ci.engine.labels import ROLE
from cc_ci.isolation.census import NodeCensus, take
from cc_ci.isolation.items import Item, run_of
from cc_ci.isolation.leases import LEASE_NAME, Liveness, liveness
from cc_ci.isolation.locks import LOCK_NAME
from cc_ci.isolation.ownership import doubt
from cc_ci.isolation.removal import in_turn, remove_all
from cc_ci.system.clock import Clock
from cc_ci.system.units import Seconds

SHARED_ROLES = ("proxy", "provider")
"""Of containers of cc-ci's own that may be in the networks of runs."""
NO_LEASE = "no lease on the node"


class Doubtful(msgspec.Struct, frozen=True, kw_only=True):
    """A thing that carries a dead run's label, and why that is not enough to remove it."""

    item: Item
    reason: str


class ReapingPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be removed, in order, of which runs nothing is, and what is left for want of a proof."""

    dead: tuple[Liveness, ...]
    spared: tuple[Liveness, ...]
    items: tuple[Item, ...]
    doubtful: tuple[Doubtful, ...] = ()


class Reaped(msgspec.Struct, frozen=True, kw_only=True):
    """What was removed, on the node and beside it, and one line for each thing that could not be."""

    plan: ReapingPlan
    removed: tuple[Item, ...] = ()
    folders: tuple[Path, ...] = ()
    realms: tuple[str, ...] = ()
    """Of dead runs, at the warm provider."""
    failed: tuple[str, ...] = ()


def plan(
    census: NodeCensus, known: Mapping[str, Liveness], *, only: str | None = None, foreign: bool = False
) -> ReapingPlan:
    """Decide from a census and what is known of the runs' leases; a run without a lease is dead.

    `only` names one run; one that was kept for a look goes when it is named. On a `foreign` node a thing
    has to prove more: see `ownership.doubt`.
    """
    runs = sorted({*census.runs(), *known})
    judged = [
        known.get(run, Liveness(run=run, live=False, reason=NO_LEASE)) for run in runs if only in (None, run)
    ]
    dead = tuple(run for run in judged if not run.broken and (not run.live or (run.kept and run.run == only)))
    items, doubtful = _sorted(census.items, dead={run.run for run in dead}, foreign=foreign)
    return ReapingPlan(
        dead=dead,
        spared=tuple(run for run in judged if run not in dead),
        items=tuple(in_turn(items)),
        doubtful=tuple(doubtful),
    )


def _sorted(
    items: Collection[Item], *, dead: Collection[str], foreign: bool
) -> tuple[list[Item], list[Doubtful]]:
    """What is proved to be of a dead run, and what only says so."""
    sure: list[Item] = []
    doubtful: list[Doubtful] = []
    for item in items:
        if item.run not in dead:
            continue
        reason = doubt(item, among=items, dead=dead, foreign=foreign)
        if reason is None:
            sure.append(item)
        else:
            doubtful.append(Doubtful(item=item, reason=reason))
    return sure, doubtful


class Reaper:
    """Remove things of dead runs, beside live ones. Works twice.

    `forget_proxies` empties the places of dead runs' proxies, and tells which.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Clock,
        foreign: bool = False,
        forget_proxies: Callable[[Collection[str]], Sequence[Path]] = lambda _runs: (),
        timeout: Seconds = 60.0,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._foreign = foreign
        self._forget_proxies = forget_proxies
        self._timeout = timeout

    def plan(self, *, only: str | None = None) -> ReapingPlan:
        return plan(take(self._engine), liveness(self._engine), only=only, foreign=self._foreign)

    def reap(self, *, only: str | None = None) -> Reaped:
        """Remove all that the plan names; what can't go at once (a network in use) is tried until it can."""
        decided = self.plan(only=only)
        runs = {run.run for run in decided.dead}
        # before its container: with that, a proxy's place may be another run's
        emptied = self._forget_proxies(runs)
        failed = self._remove_all(decided) if decided.items else ()
        if not failed:
            self._remove_leases(runs)
        left = {(item.kind, item.id) for item in take(self._engine).items}
        removed = tuple(item for item in decided.items if (item.kind, item.id) not in left)
        return Reaped(plan=decided, removed=removed, folders=tuple(emptied), failed=failed)

    def _remove_all(self, decided: ReapingPlan) -> tuple[str, ...]:
        dead = {run.run for run in decided.dead}
        # once its services are gone, nothing says of a volume whose it was, so what was decided is remembered
        known = {(item.kind, item.id) for item in decided.items}

        def find() -> list[Item]:
            items = take(self._engine).items
            also, _ = _sorted(items, dead=dead, foreign=self._foreign)
            found = [item for item in items if (item.kind, item.id) in known or item in also]
            self._free(found, items, dead=dead)
            return found

        return remove_all(
            self._engine, find, name="removal of dead runs", clock=self._clock, timeout=self._timeout
        )

    def _free(self, found: Iterable[Item], items: Collection[Item], *, dead: Collection[str]) -> None:
        """Take proxies and warm providers out of networks that are to go; nobody else is taken out."""
        networks = {item.name: item.id for item in found if item.kind == "network"}
        for item in items:
            ours = (item.said and item.run in dead) or item.labels.get(ROLE) in SHARED_ROLES
            if item.kind == "container" and ours:
                for name in networks.keys() & set(item.networks):
                    self._engine.disconnect_network(networks[name], item.id)

    def _remove_leases(self, runs: set[str]) -> None:
        """Locks and leases go last: an interrupted reaper leaves what tells the next one of the run."""
        for config in (*self._engine.configs({ROLE: "lock"}), *self._engine.configs({ROLE: "lease"})):
            own = config.name.startswith((LEASE_NAME, LOCK_NAME))
            if own and run_of(config.labels) in runs:
                self._engine.remove_config(config.id)
