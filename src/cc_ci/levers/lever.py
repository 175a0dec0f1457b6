"""What is to be known of a lever; `registry` has them all."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from cc_ci.levers.values import Value, Values
from cc_ci.timing.phases import Phase

Idea = Literal["A", "B", "C", "D", "E", "F", "G", "H"]
"""Of the performance programme: A images, B readiness, C deploys, D provider, E runner, F side by side,
G the node's resources, H abra and secrets."""
ProfileName = Literal["stock", "peer", "fast", "operator", "bare"]
DEPLOYING: frozenset[Phase] = frozenset({"deploy", "converge", "ready", "upgrade", "provider_setup"})
"""The phases in which something is brought up."""
CHECKS_OF_HEALTH = (
    "the app's own sign and the suite's tests come later, and find a service that was healthy only once"
)


class Lever(msgspec.Struct, frozen=True, kw_only=True):
    """One switch. `touches` are the phases that it can change: all others are negative controls."""

    name: str
    values: Values
    neutral: Value
    """The value that stands for the lever not being there: with it an arm is what it was before."""
    profiles: Mapping[ProfileName, Value]
    """Operators do as stock does, unless it says otherwise."""
    idea: Idea
    changes: str
    """In one line."""
    risk: str
    touches: frozenset[Phase]
    guard: str
    """What would show that it weakened something."""
    source: str | None = None
    """Where the value that `stock` has comes from."""
    overlay: tuple[str, ...] = ()
    """The fields of a service that it lets the overlay set."""

    def in_profile(self, name: ProfileName) -> Value:
        return self.profiles["stock"] if name not in self.profiles else self.profiles[name]
