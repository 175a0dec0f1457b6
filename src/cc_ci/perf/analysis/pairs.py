"""Runs and the bare runs beside them: how far each is from its limit."""

import itertools
from collections.abc import Sequence

import msgspec

from cc_ci.errors import InfrastructureError
from cc_ci.perf.analysis.limit_model import Limit, Terms, floor, limit, pulls, terms_of
from cc_ci.perf.analysis.statistics import Ratio, hodges_lehmann_paired, median
from cc_ci.perf.baselines.measured_set import Set
from cc_ci.perf.baselines.sets import BARE, Calls
from cc_ci.results.measured import Cache, Cell, Measured
from cc_ci.system.units import Seconds

STOCK = "stock"


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """A bare and a stock run side by side in the set's order."""

    bare: Measured
    stock: Measured
    terms: Terms
    bound: Limit
    floor: Seconds | None

    @property
    def seconds(self) -> Seconds:
        """T, of the stock run."""
        return self.stock.result.total_seconds if self.stock.result else 0.0

    @property
    def across(self) -> bool:
        """Whether its runs are of two boots, which may be two machines of one kind."""
        return self.bare.boot != self.stock.boot

    @property
    def holds(self) -> bool:
        """L <= T: the model's own check."""
        return self.bound.seconds <= self.seconds


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """All pairs of one recipe and cache state; `rho` is None where the model does not hold."""

    recipe: str
    cache: Cache
    pairs: tuple[Pair, ...]
    rho: Ratio | None

    @property
    def run(self) -> Seconds:
        """The median T."""
        return median(pair.seconds for pair in self.pairs)

    @property
    def limit(self) -> Seconds:
        """The median L."""
        return median(pair.bound.seconds for pair in self.pairs)

    @property
    def floor(self) -> Seconds | None:
        """The median floor; None where Swarm's own calls were not measured."""
        floors = [pair.floor for pair in self.pairs if pair.floor is not None]
        return median(floors) if floors else None

    @property
    def refuted(self) -> tuple[Pair, ...]:
        return tuple(pair for pair in self.pairs if not pair.holds)


def findings(measured: Set) -> tuple[Finding, ...]:
    """One for each recipe and cache state that has whole pairs."""
    stock = [cell for cell, _ in measured.filled if cell.profile == STOCK]
    return tuple(found for cell in stock if (found := _finding(measured, cell)))


def _finding(measured: Set, cell: Cell) -> Finding | None:
    """Pairs of a stock and a bare run that are near each other in the set's order.

    A cold run may have a warm bare one at its side: pulling is the same in both, so its own pulls are added.
    """
    bare = measured.runs(msgspec.structs.replace(cell, profile=BARE))
    bare = bare or measured.runs(Cell(recipe=cell.recipe, cache="warm", profile=BARE))
    if not bare:
        return None
    pairs = tuple(_pair(measured, one, stock) for one, stock in _neighbours(bare, measured.runs(cell)))
    bounds, times = [pair.bound.seconds for pair in pairs], [pair.seconds for pair in pairs]
    sound = all(pair.holds for pair in pairs)
    rho = hodges_lehmann_paired(bounds, times) if sound else None
    return Finding(recipe=cell.recipe, cache=cell.cache, pairs=pairs, rho=rho)


def _neighbours(bare: Sequence[Measured], stock: Sequence[Measured]) -> list[tuple[Measured, Measured]]:
    """Pairs of the nearest runs, of one boot before those across two.

    No run is in two of them, since pairs count as samples.
    """
    near = sorted(itertools.product(bare, stock), key=lambda pair: _distance(*pair))
    taken: set[str] = set()
    found: list[tuple[Measured, Measured]] = []
    for one, other in near:
        if taken.isdisjoint({one.name, other.name}):
            taken |= {one.name, other.name}
            found.append((one, other))
    return sorted(found, key=lambda pair: pair[1].place)


def _distance(one: Measured, other: Measured) -> tuple[bool, int]:
    return one.boot != other.boot, abs(one.place - other.place)


def _pair(measured: Set, bare: Measured, stock: Measured) -> Pair:
    facts, terms = measured.facts, terms_of(bare)
    if bare.cell.cache != stock.cell.cache:
        terms = msgspec.structs.replace(terms, pulls=pulls(stock))
    cpus = facts.asked.cpus
    calls = facts.calls.get(bare.cell.recipe)
    return Pair(
        bare=bare,
        stock=stock,
        terms=terms,
        bound=limit(terms, cpus=cpus, disk_rate=facts.disk_rate),
        floor=floor(terms, _usual(calls), cpus=cpus, disk_rate=facts.disk_rate) if calls else None,
    )


def _usual(calls: Sequence[Calls]) -> Calls:
    return Calls(
        services=calls[0].services,
        create=median(one.create for one in calls),
        update=median(one.update for one in calls),
        remove=median(one.remove for one in calls),
    )


def require_sound(found: Sequence[Finding]) -> None:
    """Raise InfrastructureError for a limit above the run that it should bound: the model is at fault."""
    refuted = [
        f"{one.recipe} {one.cache}, {pair.bare.name}: {pair.bound.binds} takes {pair.bound.seconds:.1f} s,"
        f" the whole run {pair.seconds:.1f} s"
        for one in found
        for pair in one.refuted
    ]
    if refuted:
        raise InfrastructureError(
            f"limit above its run: {'; '.join(refuted)}; no rho is given: hold the bare run's steps against"
            " the run's (`cc-ci show SET/traces/CELL.json`), and correct the model or the profile `bare`"
        )
