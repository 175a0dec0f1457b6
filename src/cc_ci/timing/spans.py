"""What a span is, as results have it and all that reads them; `trace` makes them."""

from typing import Literal

import msgspec

from cc_ci.system.units import Seconds
from cc_ci.timing.phases import Phase

Attribute = str | int | float | bool | None
SpanKind = Literal["run", "chain", "step", "wait", "sign", "test", "pull", "call"]
"""What a span is of: a run has chains, a chain steps; a wait for something, a sign that an app serves, a test
of a suite, the pull of an image; anything else that was done is a call."""


class Span(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One timed interval; `start` and `end` are seconds since the run's start, `end` is None while open.

    A span without a phase only groups others: time spent in nothing below it has its parent's phase. `name`
    is for people; programs go by `kind` and `action`.
    """

    id: int
    name: str
    kind: SpanKind = "call"
    action: str | None = None
    """A step's, as the plan has it; else what of `timing.actions` it is, if any of them."""
    start: Seconds
    end: Seconds | None = None
    parent: int | None = None
    phase: Phase | None = None
    stage: str | None = None
    deployment: str | None = None
    status: Literal["open", "done", "failed"] = "done"
    error: str | None = None
    attributes: dict[str, Attribute] = {}

    @property
    def seconds(self) -> Seconds:
        return 0.0 if self.end is None else self.end - self.start
