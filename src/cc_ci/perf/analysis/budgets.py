"""How long a run may take, from the floors of a set: a fifth on top, by recipe and shape of the plan. Pure.

The fifth is for what a floor leaves out: cc-ci's own work, the proxy's, and looks that come late. Nothing is
derived of what runs take today, whose waste would then be granted. DECISIONS.md has the budgets in force.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from cc_ci.perf.analysis.limit_model import PLANNED, PlanShape
from cc_ci.perf.analysis.pairs import PairsFinding
from cc_ci.results.measured import Cache
from cc_ci.system.units import Seconds

MARGIN = 1.2
SHAPES: tuple[PlanShape, ...] = ("chains3", "chains2")
"""Those that test all that there is to test; `upgraded` does not."""


class DerivedBudget(msgspec.Struct, frozen=True, kw_only=True):
    """Of one recipe, cache state and shape; `runs` are the median times of the set's arms."""

    recipe: str
    cache: Cache
    shape: PlanShape
    pairs: int
    limit: Seconds
    floor: Seconds
    runs: Mapping[str, Seconds]

    @property
    def seconds(self) -> Seconds:
        return budget_for(self.floor)


def budget_for(floor: Seconds) -> Seconds:
    """Whole seconds, rounded up; what a float adds to a whole number is no second."""
    return float(math.ceil(round(floor * MARGIN, 6)))


def budgets(found: Sequence[PairsFinding]) -> tuple[DerivedBudget, ...]:
    """Those that can be derived: where floors were measured, and of two chains where steps are known.

    Where several arms have pairs, floors are of the one that has most of them, the first of equals.
    """
    cells = dict.fromkeys((one.recipe, one.cache) for one in found)
    return tuple(budget for cell in cells for budget in _of_cell(cell, found))


def _of_cell(cell: tuple[str, Cache], found: Sequence[PairsFinding]) -> Iterator[DerivedBudget]:
    there = [one for one in found if (one.recipe, one.cache) == cell]
    best = max(there, key=lambda one: len(one.pairs))
    for shape in SHAPES:
        floor = best.floor_of(shape)
        if floor is not None and (shape == PLANNED or best.knows_steps):
            yield DerivedBudget(
                recipe=best.recipe,
                cache=best.cache,
                shape=shape,
                pairs=len(best.pairs),
                limit=best.limit_of(shape),
                floor=floor,
                runs={one.arm: one.run for one in there},
            )
