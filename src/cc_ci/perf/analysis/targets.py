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


class Budget(msgspec.Struct, frozen=True, kw_only=True):
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
    warm: Budget
    cold: Budget

    def budget(self, cache: Cache) -> Budget:
        return self.warm if cache == "warm" else self.cold


TARGETS = (
    Target(
        of="light",
        recipe="custom-html",
        warm=Budget(floor=25.2, pairs=1),
        cold=Budget(floor=36.4, pairs=2),
    ),
    Target(
        of="single database",
        recipe="n8n",
        warm=Budget(floor=73.0, pairs=1),
        cold=Budget(floor=158.0, pairs=2),
    ),
    Target(
        of="heavy",
        recipe="keycloak",
        warm=Budget(floor=200.0, pairs=1),
        cold=Budget(floor=237.0, pairs=1),
    ),
    Target(
        of="SSO-dependent",
        recipe="matrix-synapse",
        warm=Budget(floor=87.2, pairs=1),
        cold=Budget(floor=123.0, pairs=1),
    ),
)
