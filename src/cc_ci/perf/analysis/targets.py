"""How long a run of each class may take: near the limit, not near what it takes today (DECISIONS.md)."""

import math

import msgspec

from cc_ci.results.measured import Cache
from cc_ci.system.units import Seconds

MARGIN = 1.25
"""Of the floor. A quarter is for what it leaves out: cc-ci's own work, the proxy's, and late looks."""
STEP: Seconds = 5.0


def derived(floor: Seconds) -> Seconds:
    """The budget for that floor: with its margin, rounded up to whole steps."""
    return math.ceil(floor * MARGIN / STEP) * STEP


class TimeBudget(msgspec.Struct, frozen=True, kw_only=True):
    """Fixed by the median floor of so many pairs: the first that there were."""

    floor: Seconds
    pairs: int

    @property
    def seconds(self) -> Seconds:
        return derived(self.floor)


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The budgets of a class of recipes, whose measured member is `recipe`."""

    of: str
    recipe: str
    warm: TimeBudget
    cold: TimeBudget

    def budget(self, cache: Cache) -> TimeBudget:
        return self.warm if cache == "warm" else self.cold


TARGETS = (
    Target(
        of="light",
        recipe="custom-html",
        warm=TimeBudget(floor=25.2, pairs=1),
        cold=TimeBudget(floor=36.4, pairs=2),
    ),
    Target(
        of="single database",
        recipe="n8n",
        warm=TimeBudget(floor=73.0, pairs=1),
        cold=TimeBudget(floor=158.0, pairs=2),
    ),
    Target(
        of="heavy",
        recipe="keycloak",
        warm=TimeBudget(floor=200.0, pairs=1),
        cold=TimeBudget(floor=237.0, pairs=1),
    ),
    Target(
        of="SSO-dependent",
        recipe="matrix-synapse",
        warm=TimeBudget(floor=87.2, pairs=1),
        cold=TimeBudget(floor=123.0, pairs=1),
    ),
)
