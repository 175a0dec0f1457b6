"""How long a run would have been if some of its spans had taken no time.

The tree of spans says what followed what: a span that began after another of the same parent had ended is
taken to have waited for it, and keeps its distance from the last of those; spans side by side stay so. So a
chain behind another that is shortened comes to the fore, which sums over the critical path do not see.
"""

from collections.abc import Callable, Sequence

import msgspec

from cc_ci.system.units import Seconds
from cc_ci.timing.critical_path import NANO, Branch, nested
from cc_ci.timing.parts import Part
from cc_ci.timing.phases import Phase
from cc_ci.timing.spans import Span, SpanKind

TOGETHER = NANO // 1000
"""What began this much before another's end followed it: traces are rounded to milliseconds."""


class PathPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a span or a part of a path is: what a lever is told by."""

    stage: str | None
    phase: Phase | None
    kind: SpanKind | None = None
    action: str | None = None
    deployment: str | None = None

    @classmethod
    def of_part(cls, part: Part) -> "PathPlace":
        return cls(
            stage=part.stage,
            phase=part.phase,
            kind=part.kind,
            action=part.action,
            deployment=part.deployment,
        )

    @classmethod
    def of_span(cls, span: Span, phase: Phase | None) -> "PathPlace":
        """`phase` is the one that holds for it, its own or that of a span around it."""
        return cls(
            stage=span.stage,
            phase=phase,
            kind=span.kind,
            action=span.action,
            deployment=span.deployment,
        )


Gone = Callable[[PathPlace], bool]


def seconds_without(spans: Sequence[Span], *, total: Seconds, gone: Gone) -> Seconds:
    """The run's time had each span for which `gone` holds taken no time of its own.

    What is below such a span is asked about by itself.
    """
    root, _ = nested(spans, end=total)
    return _length(root, gone) / NANO


def _length(branch: Branch, gone: Gone) -> int:
    """How long the branch is now, in nanoseconds."""
    kept = not (branch.span and gone(PathPlace.of_span(branch.span, branch.phase)))
    ended = [(branch.start, 0)]
    for child in sorted(branch.children, key=lambda one: one.start):
        before = [pair for pair in ended if pair[0] <= child.start + TOGETHER]
        distance = max(0, child.start - max(old for old, _ in before)) * kept
        ended.append((child.end, max(new for _, new in before) + distance + _length(child, gone)))
    tail = max(0, branch.end - max(old for old, _ in ended)) * kept
    return max(new for _, new in ended) + tail
