"""A run's critical path for the terminal: what took longest, and the path itself from beginning to end."""

from collections.abc import Iterator, Mapping

import msgspec
from rich.console import Group
from rich.text import Text

from cc_ci.errors import UsageError
from cc_ci.report.fitting import Column, fitted_table
from cc_ci.report.tables import PLAIN_WIDTH
from cc_ci.results.schema import RunResult
from cc_ci.system.units import Seconds
from cc_ci.timing.critical_path import PhaseTable, Segment
from cc_ci.timing.parts import WAITS_FOR, Part, parts_of
from cc_ci.timing.spans import Span

LONGEST = 25
SHORTEST_LINK: Seconds = 0.5
"""Links of the chain below this are one line between their neighbours."""

SEEN: Seconds = 0.05
"""What is shorter, joined or not, is in no line."""


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the critical path; `depth` is that of its span in the tree, `times` how many it joins."""

    at: Seconds
    seconds: Seconds
    name: str
    stage: str | None
    depth: int = 0
    waits_for: str | None = None
    times: int = 1
    longest: Seconds = 0.0
    """Of those that it joins."""


COLUMNS = (
    Column(name="seconds", number=True),
    Column(name="of the run", number=True, rank=4),
    Column(name="stage", rank=1),
    Column(name="phase", rank=3),
    Column(name="what", fold=True),
    Column(name="waits for", rank=2, fold=True),
)


def blame(result: RunResult, *, longest: int | None = LONGEST, width: int = PLAIN_WIDTH) -> Group:
    """The parts of the path, the longest first, in the columns that `width` has room for."""
    phases = path_of(result)
    parts = parts_of(phases, result.spans, result.resources)
    shown = parts if longest is None else parts[:longest]
    rows = [_row(part, phases.total_seconds) for part in shown]
    rest = sum(part.seconds for part in parts[len(shown) :])
    lines = [Text(f"{len(parts) - len(shown)} more: {rest:.1f} s")] if rest else []
    return Group(fitted_table(COLUMNS, rows, width=width), *lines)


def _row(part: Part, total: Seconds) -> tuple[str, ...]:
    times = f" ({part.times} times)" if part.times > 1 else ""
    share = f"{part.seconds / total:.1%}" if total else "-"
    what = f"{part.name or 'no span'}{times}"
    return (f"{part.seconds:.1f}", share, part.stage or "-", part.phase or "-", what, part.waits_for or "")


def chain(result: RunResult, *, shortest: Seconds = SHORTEST_LINK) -> Group:
    """The path from beginning to end, a line for each link: when it began, how long it took, for what."""
    lines = []
    stage: str | None = ""
    for link in (one for one in links(result, shortest=shortest) if one.seconds >= min(SEEN, shortest)):
        if link.stage != stage:
            stage = link.stage
            lines.append(Text(stage or "run", style="bold"))
        lines.append(Text(_line(link)))
    return Group(*lines)


def _line(link: Link) -> str:
    indent = "  " * (link.depth + 1)
    waits = f"  <- {link.waits_for}" if link.waits_for else ""
    name = f"{link.times} short spans" if link.times > 1 else link.name
    return f"{indent}{name} @{link.at:.1f}s +{link.seconds:.1f}s{waits}"


def links(result: RunResult, *, shortest: Seconds = SHORTEST_LINK) -> tuple[Link, ...]:
    """The path's stretches in order; neighbours of one stage that are all short are joined."""
    known = {span.id: span for span in result.spans}
    found: list[Link] = []
    for segment in path_of(result).path:
        link = _link(segment, known)
        if found and found[-1].stage == link.stage and max(link.seconds, found[-1].longest) < shortest:
            found[-1] = _joined(found[-1], link)
        else:
            found.append(link)
    return tuple(found)


def _link(segment: Segment, known: Mapping[int, Span]) -> Link:
    span = known.get(segment.span or 0)
    waits_for = span.attributes.get(WAITS_FOR) if span else None
    return Link(
        at=segment.start,
        seconds=segment.end - segment.start,
        longest=segment.end - segment.start,
        name=span.name if span else "no span",
        stage=span.stage if span else None,
        depth=len(list(_above(span, known))) if span else 0,
        waits_for=None if waits_for is None else str(waits_for),
    )


def _above(span: Span, known: Mapping[int, Span]) -> Iterator[Span]:
    while span.parent is not None and span.parent in known:
        span = known[span.parent]
        yield span


def _joined(before: Link, link: Link) -> Link:
    return msgspec.structs.replace(
        before,
        seconds=before.seconds + link.seconds,
        depth=min(before.depth, link.depth),
        waits_for=None,
        times=before.times + 1,
        longest=max(before.longest, link.longest),
    )


def path_of(result: RunResult) -> PhaseTable:
    """The phases with their path. Raises UsageError for results that were kept without it."""
    if result.phases is None or not result.phases.path:
        raise UsageError(f"run {result.run}: its results hold no critical path; name a run of your own store")
    return result.phases
