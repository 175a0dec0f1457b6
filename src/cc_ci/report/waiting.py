"""What a run waited for: each cause once, how often and how long, and what a recipe can do. Pure."""

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from cc_ci.results.schema import RunResult
from cc_ci.system.units import Seconds
from cc_ci.timing.actions import (
    BETWEEN_LOOKS,
    FIRST_LOOK,
    HOLD,
    OTHER_HEALTHY,
    POLL_SLACK,
    REMOVE,
    REMOVE_TO_REDEPLOY,
    SERVICE,
    UNTIL_ENDED,
    UNTIL_TOLD,
    of_removal,
)
from cc_ci.timing.spans import Span

INTERVAL = "interval_seconds"
PLACE = "place"
"""Attributes of a span: how often its health check looks, and where the recipe says so."""
LEAST: Seconds = 1.0
"""Causes below this in all are not told."""
WORTH: Seconds = 5.0
"""Advice that saves less is none."""
SHORT: Seconds = 1.0
"""The start_interval of the advice."""
LABELS = {
    FIRST_LOOK: "health check's first look",
    BETWEEN_LOOKS: "health check's next look",
    OTHER_HEALTHY: "health check of another service",
    HOLD: "time of stability",
    POLL_SLACK: "polls of cc-ci",
    **{
        action: label
        for removal in (REMOVE, REMOVE_TO_REDEPLOY)
        for action, label in (
            (removal, "Swarm's removal"),
            (of_removal(removal, UNTIL_TOLD), "Swarm's removal"),
            (of_removal(removal, UNTIL_ENDED), "services that were told to stop"),
        )
    },
}
"""By the action of a span; all else is work, and no wait for a timer."""
OF_A_SERVICE = frozenset({FIRST_LOOK, BETWEEN_LOOKS})


class WaitCause(msgspec.Struct, frozen=True, kw_only=True):
    """All stretches of the critical path that one cause has."""

    cause: str
    times: int
    seconds: Seconds
    interval: Seconds | None = None
    place: str | None = None
    saved: Seconds | None = None
    """About so much less with a start_interval of a second; None where that is no advice."""

    def __str__(self) -> str:
        each = f"{self.times} x {self.seconds / self.times:.1f} s = " if self.times > 1 else ""
        said = f"{self.cause}: {each}{self.seconds:.0f} s"
        if self.interval is not None:
            said += f"; interval {self.interval:g}s" + (f", {self.place}" if self.place else "")
        if self.saved is not None:
            said += f"; with start_period and start_interval {SHORT:g}s about {self.saved:.0f} s less"
        return said


def wait_causes(result: RunResult) -> tuple[WaitCause, ...]:
    """The causes, the longest first. Of a span that lies in another, only the inner one is counted."""
    known = {span.id: span for span in result.spans}
    groups: defaultdict[str, list[tuple[Span, Seconds]]] = defaultdict(list)
    for segment in result.phases.path if result.phases else ():
        span = known.get(segment.span or 0)
        if span is not None and span.action in LABELS:
            groups[_cause(span)].append((span, segment.end - segment.start))
    found = (_summed(cause, stretches) for cause, stretches in groups.items())
    return tuple(sorted((one for one in found if one.seconds >= LEAST), key=lambda one: -one.seconds))


def _cause(span: Span) -> str:
    label = LABELS[span.action or ""]
    service = span.attributes.get(SERVICE)
    return f"{label}, {service}" if service and span.action in OF_A_SERVICE else label


def _summed(cause: str, stretches: Sequence[tuple[Span, Seconds]]) -> WaitCause:
    spans = {span.id: span for span, _ in stretches}
    seconds = sum(took for _, took in stretches)
    first = stretches[0][0]
    interval = first.attributes.get(INTERVAL)
    place = first.attributes.get(PLACE)
    known = float(interval) if isinstance(interval, int | float) else None
    saved = seconds - len(spans) * SHORT
    advice = first.action == FIRST_LOOK and known is not None and saved >= WORTH
    return WaitCause(
        cause=cause,
        times=len(spans),
        seconds=seconds,
        interval=known,
        place=None if place is None else str(place),
        saved=saved if advice else None,
    )
