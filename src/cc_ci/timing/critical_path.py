"""Which phase each instant of a run belongs to.

The rule: walk back from the end of a span. What ended last before the point reached is what the run waited
for there; follow it down into its own children, then go on from its start. Where nothing ended but something
is still open beyond the point, it is the one that ends last. Where no child was open, the time is the span's
own. So a sequential run gives each instant to the deepest open span, and of branches side by side the longest
counts; wrap each branch in a span of its own. Time on that path in no span with a phase is unattributed.

All sums are made in whole nanoseconds, so that phases add up exactly.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from cc_ci.system.units import Seconds
from cc_ci.timing.phases import PHASES, Phase
from cc_ci.timing.span_names import POLL_SLACK
from cc_ci.timing.trace import Span

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


class Node:
    """A span, or the part of it that lies inside the node above; whole nanoseconds. The root has no span."""

    __slots__ = ("children", "end", "phase", "span", "start")

    def __init__(self, start: int, end: int, span: Span | None, phase: Phase | None) -> None:
        self.start = start
        self.end = end
        self.span = span
        self.phase = phase
        self.children: list[Node] = []

    @property
    def identity(self) -> int:
        return self.span.id if self.span else 0


_Stretch = tuple[int, int, Node]


def attribute(spans: Sequence[Span], *, start: Seconds = 0.0, end: Seconds) -> PhaseTable:
    """Give each instant between `start` and `end` to one phase; open spans are taken to end at `end`."""
    root, nodes = nested(spans, start=start, end=end)
    path = sorted(_walk(root, root.start, root.end), key=lambda stretch: stretch[0])
    total = root.end - root.start
    wall = _sums((node.phase, stop - begin) for begin, stop, node in path)
    busy = _sums((node.phase, own) for node in nodes for own in _own(node))
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
    for start, end, node in path:
        sums[node.span.name if node.span else ""] += end - start
    longest_first = sorted(sums.items(), key=lambda item: -item[1])
    return tuple(NamedSeconds(name=name, seconds=length / NANO) for name, length in longest_first)


def _is_slack(node: Node) -> bool:
    return node.span is not None and node.span.name.partition(":")[0] == POLL_SLACK


def _segments(path: Sequence[_Stretch]) -> Iterator[Segment]:
    for start, end, node in path:
        span = node.span.id if node.span else None
        yield Segment(start=start / NANO, end=end / NANO, span=span, phase=node.phase)


def nested(spans: Sequence[Span], *, start: Seconds = 0.0, end: Seconds) -> tuple[Node, list[Node]]:
    """Nest the spans under a root; what sticks out of a span's parent belongs to the nearest one above it.

    Hands back the root and all nodes below it.
    """
    root = Node(_nano(start), _nano(end), None, None)
    placed: dict[int, list[Node]] = {}
    known = {span.id: span for span in spans}
    nodes: list[Node] = []

    def place(span: Span) -> list[Node]:
        if span.id in placed:
            return placed[span.id]
        above = [place(parent) for parent in _ancestors(span, known)]
        mine = placed[span.id] = []
        pieces = [(_nano(span.start), root.end if span.end is None else _nano(span.end))]
        for home in (*itertools.chain(*above), root):
            pieces = [rest for piece in pieces for rest in _put(span, piece, home, mine)]
        nodes.extend(mine)
        return mine

    for span in spans:
        place(span)
    return root, nodes


def _ancestors(span: Span, known: dict[int, Span]) -> list[Span]:
    above = []
    while span.parent is not None and span.parent in known:
        span = known[span.parent]
        above.append(span)
    return above


def _put(span: Span, piece: tuple[int, int], home: Node, mine: list[Node]) -> list[tuple[int, int]]:
    """Make what of `piece` lies inside `home` its child, and hand back what sticks out."""
    start, end = max(piece[0], home.start), min(piece[1], home.end)
    if start >= end:
        return [piece]
    node = Node(start, end, span, span.phase or home.phase)
    home.children.append(node)
    mine.append(node)
    return [(left, right) for left, right in ((piece[0], start), (end, piece[1])) if left < right]


def _walk(node: Node, start: int, end: int) -> Iterator[_Stretch]:
    """The critical path between `start` and `end`, all of it inside `node`, from the end backwards."""
    at = end
    while at > start:
        ended = _last(child for child in node.children if start < child.end <= at)
        floor = ended.end if ended else start
        child = (
            ended if floor == at else _last(child for child in node.children if child.start < at < child.end)
        )
        begin = max(start if child is ended else floor, child.start if child else floor)
        if child is None:
            yield begin, at, node
        else:
            yield from _walk(child, begin, at)
        at = begin


def _last(children: Iterable[Node]) -> Node | None:
    return max(children, key=lambda child: (child.end, child.identity), default=None)


def _own(node: Node) -> Iterator[int]:
    """The lengths of the node's time in which no child of it was open."""
    at = node.start
    for child in sorted(node.children, key=lambda child: child.start):
        if child.start > at:
            yield child.start - at
        at = max(at, child.end)
    yield node.end - at
