"""What lies between a run and its limit, by cause. Pure."""

from collections.abc import Callable

import msgspec

from cc_ci.perf.analysis.limit_model import PLANNED, Limit, PlanShape, Terms, chains
from cc_ci.perf.analysis.savings import failed_start, held, removal, waits_for_a_look, watched_update
from cc_ci.perf.analysis.what_if import PathPlace
from cc_ci.results.measured import Measured
from cc_ci.system.units import Seconds
from cc_ci.timing.actions import BOOT as BOOT_SPAN
from cc_ci.timing.actions import BOOT_HEALTHY, READY, SAID_NO, STARTING


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of work: what the deployed run spent on it on its path, and what the limit has of it."""

    name: str
    deployed: Seconds
    limit: Seconds


def causes(
    deployed: Measured, terms: Terms, bound: Limit, *, shape: PlanShape = PLANNED
) -> tuple[Cause, ...]:
    """T - L by cause, the largest first; they add up to it.

    What CPU, disk or memory take beyond the longest chain is a cause of its own, which only the limit has.
    """
    spent: dict[str, Seconds] = {}
    for part in deployed.parts:
        place = PathPlace.of_part(part)
        name = next((cause for cause, holds in _CAUSES if holds(place)), REST)
        spent[name] = spent.get(name, 0.0) + part.seconds
    least = _least(terms, bound, shape)
    names = dict.fromkeys([*spent, *least])
    found = [Cause(name=name, deployed=spent.get(name, 0.0), limit=least.get(name, 0.0)) for name in names]
    return tuple(sorted(found, key=lambda one: one.limit - one.deployed))


BOOT = "boots, and looks at them"
"""One cause: before a look that says yes nothing tells booting from waiting for the look."""
BOOTS = frozenset({BOOT_SPAN, BOOT_HEALTHY, SAID_NO})
_CAUSES: tuple[tuple[str, Callable[[PathPlace], bool]], ...] = (
    ("provider", lambda place: place.phase == "provider_setup"),
    ("starts that failed", lambda place: failed_start(place.action)),
    ("stability after the condition", lambda place: held(place.action) or watched_update(place)),
    ("removal", removal),
    ("data", lambda place: place.phase in {"backup", "restore"}),
    ("images", lambda place: place.phase == "images_pull"),
    ("test actions", lambda place: place.phase in {"test", "verify"}),
    ("seeds", lambda place: place.phase == "seed"),
    ("the proxy's and the app's signs", lambda place: place.kind == "sign" or place.action == READY),
    (BOOT, lambda place: waits_for_a_look(place.action) or place.action in BOOTS),
    ("Swarm's scheduling", lambda place: place.action in STARTING),
)
"""What a part of a deployed run is for: the first that holds."""
REST = "cc-ci and the engine"


def _least(terms: Terms, bound: Limit, shape: PlanShape) -> dict[str, Seconds]:
    """What the longest chain has of each cause."""
    longest = bound.longest_chain
    least = {"provider": terms.provider, "images": terms.pulls}
    if bound.binds not in bound.chains:
        least[f"{bound.binds} beyond the longest chain"] = (
            bound.seconds - bound.before - bound.chains[longest]
        )
    for term in chains(terms, shape)[longest]:
        cause = next(cause for start, cause in _OF_TERMS.items() if term.startswith(start))
        least[cause] = least.get(cause, 0.0) + getattr(terms, term)
    return least


_OF_TERMS = {
    "boot_": BOOT,
    "seed_": "seeds",
    "overwrite": "seeds",
    "fill": "seeds",
    "stop_": "removal",
    "act_": "test actions",
    "backup": "data",
    "restore": "data",
}
"""By how the names of a chain's terms begin."""
