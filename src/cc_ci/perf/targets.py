"""How long a run of each class may take: near the limit, not near what it takes today (DECISIONS.md)."""

import math

import msgspec

from cc_ci.results.measured import Cache
from cc_ci.system.units import Seconds

MARGIN = 1.25
"""Of the floor. A quarter is for what it leaves out: cc-ci's own work, the proxy's, and late looks."""
STEP: Seconds = 5.0


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The budgets of a class of recipes, whose measured member is `recipe`; None until there is a floor."""

    of: str
    recipe: str
    warm: Seconds | None = None
    cold: Seconds | None = None

    def budget(self, cache: Cache) -> Seconds | None:
        return self.warm if cache == "warm" else self.cold


TARGETS = (
    Target(of="light", recipe="custom-html", warm=35.0, cold=50.0),
    Target(of="single database", recipe="n8n", warm=95.0, cold=200.0),
    Target(of="heavy", recipe="keycloak", warm=250.0, cold=300.0),
    Target(of="SSO-dependent", recipe="matrix-synapse", warm=110.0, cold=155.0),
)


def derived(floor: Seconds) -> Seconds:
    """The budget for that floor: with its margin, rounded up to whole steps."""
    return math.ceil(floor * MARGIN / STEP) * STEP
