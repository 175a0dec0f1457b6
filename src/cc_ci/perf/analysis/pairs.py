"""Runs and the bare runs beside them: how far each is from its limit."""

import itertools
from collections.abc import Mapping, Sequence
from typing import get_args

import msgspec

from cc_ci.errors import InfrastructureError
from cc_ci.levers.registry import lever_named
from cc_ci.perf.analysis.limit_model import PLANNED, Capacity, Limit, PlanShape, Terms, floor, limit
from cc_ci.perf.analysis.limit_terms import FRESH, terms_of
from cc_ci.perf.analysis.pulling import in_a_row, side_by_side
from cc_ci.perf.analysis.statistics import Ratio, hodges_lehmann_paired, median
from cc_ci.perf.baselines.measured_set import Set
from cc_ci.perf.baselines.sets import Calls
from cc_ci.results.measured import Cache, Cell, Measured
from cc_ci.system.units import Seconds

SHAPES: tuple[PlanShape, ...] = get_args(PlanShape)
SHAPE = lever_named("plan.shape").name


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """A run on plain containers and one as it is deployed, side by side in the set's order."""

    bare: Measured
    deployed: Measured
    terms: Terms
    bounds: Mapping[PlanShape, Limit]
    floors: Mapping[PlanShape, Seconds]
    """Empty where Swarm's own calls were not measured."""

    @property
    def shape(self) -> PlanShape:
        """Whose limit the deployed run can't be quicker than."""
        result = self.deployed.result
        if result is None:
            return PLANNED
        shape = next((one for one in SHAPES if one == result.levers.get(SHAPE)), PLANNED)
        # a recipe that can't be tested in two chains is tested in three
        gave_way = shape == "chains2" and any(span.deployment == FRESH for span in result.spans)
        return PLANNED if gave_way else shape

    @property
    def bound(self) -> Limit:
        return self.bounds[self.shape]

    @property
    def floor(self) -> Seconds | None:
        return self.floors.get(self.shape)

    @property
    def seconds(self) -> Seconds:
        """T, of the deployed run."""
        return self.deployed.result.total_seconds if self.deployed.result else 0.0

    @property
    def across(self) -> bool:
        """Whether its runs are of two boots, which may be two machines of one kind."""
        return self.bare.boot != self.deployed.boot

    @property
    def holds(self) -> bool:
        """L <= T: the model's own check."""
        return self.bound.seconds <= self.seconds


class PairsFinding(msgspec.Struct, frozen=True, kw_only=True):
    """All pairs of one recipe, cache state and arm; `rho` is None where the model does not hold."""

    recipe: str
    cache: Cache
    arm: str
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

    def limit_of(self, shape: PlanShape) -> Seconds:
        """The median L of plans of that shape."""
        return median(pair.bounds[shape].seconds for pair in self.pairs)

    def floor_of(self, shape: PlanShape) -> Seconds | None:
        """The same of a plan of that shape."""
        floors = [pair.floors[shape] for pair in self.pairs if shape in pair.floors]
        return median(floors) if floors else None

    @property
    def knows_steps(self) -> bool:
        """Whether it is known what single steps used, so that plans of another shape can be told of."""
        return all(pair.terms.spared for pair in self.pairs)

    @property
    def refuted(self) -> tuple[Pair, ...]:
        return tuple(pair for pair in self.pairs if not pair.holds)


def findings(measured: Set) -> tuple[PairsFinding, ...]:
    """One for each recipe, cache state and deployed arm that has whole pairs."""
    return tuple(found for cell, _ in measured.deployed if (found := _finding(measured, cell)))


def _finding(measured: Set, cell: Cell) -> PairsFinding | None:
    """Pairs of a deployed and a bare run that are near each other in the set's order.

    A cold run may have a warm bare one at its side: pulling is the same in both, so its own pulls are added.
    """
    bare = _bare(measured, cell, cell.cache) or _bare(measured, cell, "warm")
    if not bare:
        return None
    near = _neighbours(bare, measured.runs(cell))
    pairs = tuple(_pair(measured, one, deployed) for one, deployed in near)
    bounds, times = [pair.bound.seconds for pair in pairs], [pair.seconds for pair in pairs]
    sound = all(pair.holds for pair in pairs)
    rho = hodges_lehmann_paired(bounds, times) if sound else None
    return PairsFinding(recipe=cell.recipe, cache=cell.cache, arm=cell.arm, pairs=pairs, rho=rho)


def _bare(measured: Set, deployed: Cell, cache: Cache) -> tuple[Measured, ...]:
    """The runs on plain containers, of the same recipe on the same engine."""
    wanted = (deployed.recipe, cache, deployed.engine)
    cells = [
        cell for cell, _ in measured.filled if cell.limit and (cell.recipe, cell.cache, cell.engine) == wanted
    ]
    return tuple(one for cell in cells for one in measured.runs(cell))


def _neighbours(bare: Sequence[Measured], deployed: Sequence[Measured]) -> list[tuple[Measured, Measured]]:
    """Pairs of the nearest runs, of one boot before those across two.

    No run is in two of them, since pairs count as samples.
    """
    near = sorted(itertools.product(bare, deployed), key=lambda pair: _distance(*pair))
    taken: set[str] = set()
    found: list[tuple[Measured, Measured]] = []
    for one, other in near:
        if taken.isdisjoint({one.name, other.name}):
            taken |= {one.name, other.name}
            found.append((one, other))
    return sorted(found, key=lambda pair: pair[1].place)


def _distance(one: Measured, other: Measured) -> tuple[bool, int]:
    return one.boot != other.boot, abs(one.place - other.place)


def _pair(measured: Set, bare: Measured, deployed: Measured) -> Pair:
    facts, terms = measured.facts, terms_of(bare)
    terms = msgspec.structs.replace(terms, pulls=_pulls(measured, bare, deployed))
    if deployed.result and deployed.result.provider and deployed.result.provider.warm:
        # it boots for no run, and is there before
        terms = msgspec.structs.replace(terms, provider=0.0)
    node = Capacity(cpus=facts.asked.cpus, disk_rate=facts.disk_rate, memory_bytes=facts.asked.memory_bytes)
    calls = facts.calls.get(bare.cell.recipe)
    usual = _usual(calls) if calls else None
    return Pair(
        bare=bare,
        deployed=deployed,
        terms=terms,
        bounds={shape: limit(terms, node, shape=shape) for shape in SHAPES},
        floors={shape: floor(terms, usual, node, shape=shape) for shape in SHAPES} if usual else {},
    )


def _pulls(measured: Set, bare: Measured, deployed: Measured) -> Seconds:
    """Of the run itself where the bare one at its side had all images."""
    facts = measured.facts
    pulling = bare if bare.cell.cache == deployed.cell.cache else deployed
    if facts.pulls == "in a row":
        return in_a_row(pulling)
    return side_by_side(pulling, bandwidth=facts.asked.bandwidth, cpus=facts.asked.cpus)


def _usual(calls: Sequence[Calls]) -> Calls:
    return Calls(
        services=calls[0].services,
        create=median(one.create for one in calls),
        update=median(one.update for one in calls),
        remove=median(one.remove for one in calls),
    )


def require_sound(found: Sequence[PairsFinding]) -> None:
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
            " the run's (`cc-ci show SET/traces/CELL.json`), and correct the model or the arm `bare`"
        )
