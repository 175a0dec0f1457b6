"""Which phase each instant of a run belongs to.

The rule: walk back from the end of a span. What ended last before the point reached is what the run waited
for there; follow it down into its own children, then go on from its start. Where nothing ended but something
is still open beyond the point, it is the one that ends last. Where no child was open, the time is the span's
own. So a sequential run gives each instant to the deepest open span, and of branches side by side the longest
counts; wrap each branch in a span of its own. Time on that path in no span with a phase is unattributed.

All sums are made in whole nanoseconds, so that phases add up exactly.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from cc_ci.system.units import Seconds
from cc_ci.timing.actions import POLL_SLACK
from cc_ci.timing.phases import PHASES, Phase
from cc_ci.timing.spans import Span

NANO = 1_000_000_000


class PhaseRow(msgspec.Struct, frozen=True, kw_only=True):
    """`wall_seconds` on the critical path; `busy_seconds` summed over spans side by side."""

    phase: Phase
    wall_seconds: Seconds
    share: float
    busy_seconds: Seconds


class NamedSeconds(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    seconds: Seconds


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch of the critical path; `span` is None where none was open."""

    start: Seconds
    end: Seconds
    span: int | None
    phase: Phase | None


class PhaseTable(msgspec.Struct, frozen=True, kw_only=True):
    """Wall time by phase, in the fixed order, of phases that occurred; shares are of `total_seconds`."""

    total_seconds: Seconds
    rows: tuple[PhaseRow, ...]
    unattributed_seconds: Seconds
    unattributed_share: float
    overhead: tuple[NamedSeconds, ...] = ()
    """The spans that make up the phase `overhead`, the longest first."""
    poll_slack: tuple[NamedSeconds, ...] = ()
    """Waits on the critical path that went on after their condition was true; part of the phases above."""
    path: tuple[Segment, ...] = ()

    def wall(self, phase: Phase) -> Seconds:
        return next((row.wall_seconds for row in self.rows if row.phase == phase), 0.0)


class Branch:
    """A span, or the part of it that lies inside the one above; whole nanoseconds. The root has no span."""

    __slots__ = ("children", "end", "phase", "span", "start")

    def __init__(self, start: int, end: int, span: Span | None, phase: Phase | None) -> None:
        self.start = start
        self.end = end
        self.span = span
        self.phase = phase
        self.children: list[Branch] = []

    @property
    def identity(self) -> int:
        return self.span.id if self.span else 0


_Stretch = tuple[int, int, Branch]


def attribute(spans: Sequence[Span], *, start: Seconds = 0.0, end: Seconds) -> PhaseTable:
    """Give each instant between `start` and `end` to one phase; open spans are taken to end at `end`."""
    root, branches = nested(spans, start=start, end=end)
    path = sorted(_walk(root, root.start, root.end), key=lambda stretch: stretch[0])
    total = root.end - root.start
    wall = _sums((branch.phase, stop - begin) for begin, stop, branch in path)
    busy = _sums((branch.phase, own) for branch in branches for own in _own(branch))
    return PhaseTable(
        total_seconds=total / NANO,
        rows=tuple(
            PhaseRow(
                phase=phase,
                wall_seconds=wall[phase] / NANO,
                share=_share(wall[phase], total),
                busy_seconds=busy[phase] / NANO,
            )
            for phase in PHASES
            if phase in busy
        ),
        unattributed_seconds=wall[None] / NANO,
        unattributed_share=_share(wall[None], total),
        overhead=_by_name(stretch for stretch in path if stretch[2].phase == "overhead"),
        poll_slack=_by_name(stretch for stretch in path if _is_slack(stretch[2])),
        path=tuple(_segments(path)),
    )


def _nano(seconds: Seconds) -> int:
    return round(seconds * NANO)


def _share(part: int, total: int) -> float:
    return part / total if total else 0.0


def _sums(parts: Iterable[tuple[Phase | None, int]]) -> defaultdict[Phase | None, int]:
    sums: defaultdict[Phase | None, int] = defaultdict(int)
    for phase, length in parts:
        sums[phase] += length
    return sums


def _by_name(path: Iterable[_Stretch]) -> tuple[NamedSeconds, ...]:
    sums: defaultdict[str, int] = defaultdict(int)
    for start, end, branch in path:
        sums[branch.span.name if branch.span else ""] += end - start
    longest_first = sorted(sums.items(), key=lambda item: -item[1])
    return tuple(NamedSeconds(name=name, seconds=length / NANO) for name, length in longest_first)


def _is_slack(branch: Branch) -> bool:
    return branch.span is not None and branch.span.action == POLL_SLACK


def _segments(path: Sequence[_Stretch]) -> Iterator[Segment]:
    for start, end, branch in path:
        span = branch.span.id if branch.span else None
        yield Segment(start=start / NANO, end=end / NANO, span=span, phase=branch.phase)


def nested(spans: Sequence[Span], *, start: Seconds = 0.0, end: Seconds) -> tuple[Branch, list[Branch]]:
    """Nest the spans under a root, each in the part of its parent that it covers; parents come first.

    A span lies inside its parent (`Trace` sees to it), but for one whose thread was left behind: it ends with
    what is above it. Hands back the root and all branches below it.
    """
    root = Branch(_nano(start), _nano(end), None, None)
    known = {span.id: span for span in spans}
    placed: dict[int, Branch] = {}

    def place(span: Span) -> Branch:
        if span.id not in placed:
            above = root if span.parent is None or span.parent not in known else place(known[span.parent])
            placed[span.id] = _inside(above, span)
        return placed[span.id]

    branches = [place(span) for span in spans]
    return root, [branch for branch in branches if branch.start < branch.end]


def _inside(above: Branch, span: Span) -> Branch:
    start = min(max(_nano(span.start), above.start), above.end)
    end = above.end if span.end is None else min(max(_nano(span.end), start), above.end)
    branch = Branch(start, end, span, span.phase or above.phase)
    if start < end:
        above.children.append(branch)
    return branch


def _walk(branch: Branch, start: int, end: int) -> Iterator[_Stretch]:
    """The critical path between `start` and `end`, all of it inside `branch`, from the end backwards."""
    at = end
    while at > start:
        ended = _last(child for child in branch.children if start < child.end <= at)
        floor = ended.end if ended else start
        child = (
            ended
            if floor == at
            else _last(child for child in branch.children if child.start < at < child.end)
        )
        begin = max(start if child is ended else floor, child.start if child else floor)
        if child is None:
            yield begin, at, branch
        else:
            yield from _walk(child, begin, at)
        at = begin


def _last(children: Iterable[Branch]) -> Branch | None:
    return max(children, key=lambda child: (child.end, child.identity), default=None)


def _own(branch: Branch) -> Iterator[int]:
    """The lengths of the branch's time in which no child of it was open."""
    at = branch.start
    for child in sorted(branch.children, key=lambda child: child.start):
        if child.start > at:
            yield child.start - at
        at = max(at, child.end)
    yield branch.end - at
