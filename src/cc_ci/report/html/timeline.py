"""The timeline: spans in lanes, drawn in per cent of its width, so that to zoom is to make it wider."""

import itertools
from collections.abc import Iterator, Sequence

import msgspec

from cc_ci.report.html.markup import Html, join, percent, tag
from cc_ci.report.html.wording import duration, share, stage_class
from cc_ci.results.schema import RunResult
from cc_ci.system.units import Seconds
from cc_ci.timing.critical_path import Segment
from cc_ci.timing.parts import WAITS_FOR
from cc_ci.timing.phases import UNATTRIBUTED
from cc_ci.timing.spans import Span

AXIS = 20
RIBBON = 22
LANE = 22
GAP = 3
STEPS: tuple[Seconds, ...] = (1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
TICKS = 12
FINER = (("", 1), ("fine", 5), ("finest", 30))
"""Classes of ticks, and into how many each coarse step is cut; the finer ones are shown when zoomed."""


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    span: Span
    lane: int
    end: Seconds
    on_path: tuple[Segment, ...] = ()

    @property
    def path_seconds(self) -> Seconds:
        return sum(segment.end - segment.start for segment in self.on_path)


def timeline(result: RunResult) -> Html:
    """The drawing, or why there is none."""
    if not result.spans:
        return tag("p", "Not measured: this file keeps no spans.", class_="none")
    path = result.phases.path if result.phases else ()
    total = total_of(result)
    placed = lanes(result.spans, path, total=total)
    top = AXIS + 2 * (RIBBON + GAP)
    height = top + (1 + max(one.lane for one in placed)) * (LANE + GAP)
    drawn = (
        *_axis(total, height),
        *_ribbon(_stretches(result, path), AXIS, total),
        *_ribbon(_phases(path, result.spans), AXIS + RIBBON + GAP, total),
        *(_bar(one, top + one.lane * (LANE + GAP), total) for one in placed),
    )
    svg = tag("svg", *drawn, height=height, role="group", aria_label="Timeline of spans", id="canvas")
    return tag("div", svg, id="timeline", class_="scroll")


def total_of(result: RunResult) -> Seconds:
    """How long the drawing is: the run's time, or to the end of its last span."""
    ends = (span.end or span.start for span in result.spans)
    return max(result.total_seconds, *ends) if result.spans else result.total_seconds


def lanes(spans: Sequence[Span], path: Sequence[Segment], *, total: Seconds) -> tuple[Placed, ...]:
    """Each span in the first free lane of its depth; deeper ones lie below."""
    known = {span.id: span for span in spans}
    segments: dict[int | None, list[Segment]] = {}
    for segment in path:
        segments.setdefault(segment.span, []).append(segment)
    depths: dict[int, list[Span]] = {}
    for span in sorted(spans, key=lambda one: (one.start, one.id)):
        depths.setdefault(_depth(span, known), []).append(span)
    found: list[Placed] = []
    first = 0
    for _, level in sorted(depths.items()):
        free: list[Seconds] = []
        for span in level:
            end = total if span.end is None else span.end
            lane = next((n for n, until in enumerate(free) if until <= span.start), len(free))
            free[lane : lane + 1] = [end]
            on_path = tuple(segments.get(span.id, ()))
            found.append(Placed(span=span, lane=first + lane, end=end, on_path=on_path))
        first += len(free)
    return tuple(sorted(found, key=lambda one: (one.span.start, one.lane)))


def _depth(span: Span, known: dict[int, Span]) -> int:
    seen = {span.id}
    while span.parent in known and span.parent not in seen:
        seen.add(span.parent)
        span = known[span.parent]
    return len(seen) - 1


def describe(one: Placed, total: Seconds) -> str:
    """What hovering or focusing a span shows, line by line."""
    span = one.span
    seconds = one.end - span.start
    path = one.path_seconds
    waits = span.attributes.get(WAITS_FOR)
    lines = (
        span.name,
        f"{duration(seconds)} from {clock(span.start)} ({share(seconds, total)} of the run)",
        f"on the critical path: {duration(path)}" if path else "not on the critical path itself",
        f"stage {span.stage}" if span.stage else None,
        f"phase {span.phase}" if span.phase else None,
        f"deployment {span.deployment}" if span.deployment else None,
        f"waits for {waits}" if waits else None,
        *(f"{key}: {value}" for key, value in span.attributes.items() if key != WAITS_FOR),
        f"failed: {span.error}" if span.error else None,
        "still open" if span.end is None else None,
    )
    return "\n".join(filter(None, lines))


def clock(seconds: Seconds) -> str:
    """Minutes and seconds since the run's start."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


def _bar(one: Placed, y: int, total: Seconds) -> Html:
    span = one.span
    strips = (
        tag(
            "rect",
            class_="on-path",
            x=percent(segment.start, total),
            width=percent(segment.end - segment.start, total),
            y=y + LANE - 5,
            height=5,
        )
        for segment in one.on_path
    )
    said = describe(one, total)
    return tag(
        "g",
        _labelled(span.name, span.start, one.end, y, total),
        *strips,
        class_=f"span {stage_class(span.stage)}" + (" failed" if span.status == "failed" else ""),
        tabindex=-1,
        role="img",
        aria_label=said.replace("\n", ", "),
        data_tip=said,
        data_id=span.id,
        data_parent=span.parent,
        data_start=f"{span.start / total if total else 0:.6f}",
        data_end=f"{one.end / total if total else 1:.6f}",
    )


def _labelled(name: str, start: Seconds, end: Seconds, y: int, total: Seconds) -> Html:
    """A bar whose label is cut off where it ends."""
    bar = tag("rect", class_="bar", width="100%", height="100%", rx=2)
    label = tag("text", name, x=5, y=14)
    place = {"x": percent(start, total), "width": percent(end - start, total)}
    return tag("svg", bar, label, y=y, height=LANE, **place)


_Stretch = tuple[Seconds, Seconds, str | None, str]


def _ribbon(stretches: Iterator[_Stretch], y: int, total: Seconds) -> Iterator[Html]:
    for start, end, stage, name in stretches:
        said = f"{name}\n{duration(end - start)} from {clock(start)} ({share(end - start, total)} of the run)"
        drawn = _labelled(name, start, end, y, total)
        yield tag("g", drawn, class_=f"ribbon {stage_class(stage)}", data_tip=said)


def _stretches(result: RunResult, path: Sequence[Segment]) -> Iterator[_Stretch]:
    """The stages in the order of the path, or of the steps where no path was kept."""
    known = {span.id: span for span in result.spans}
    if path:
        parts = [(one.start, one.end, known.get(one.span or 0)) for one in path]
    else:
        outer = sorted((one for one in result.spans if one.kind == "step"), key=lambda one: one.start)
        parts = [(one.start, one.end or one.start, one) for one in outer]
    for stage, group in itertools.groupby(parts, key=lambda part: part[2].stage if part[2] else None):
        whole = list(group)
        yield whole[0][0], whole[-1][1], stage, stage or "run"


def _phases(path: Sequence[Segment], spans: Sequence[Span]) -> Iterator[_Stretch]:
    """The critical path itself, by phase."""
    known = {span.id: span for span in spans}
    keyed = ((one, known[one.span].stage if one.span in known else None) for one in path)
    for (stage, phase), group in itertools.groupby(keyed, key=lambda pair: (pair[1], pair[0].phase)):
        whole = [segment for segment, _ in group]
        yield whole[0].start, whole[-1].end, stage, phase or UNATTRIBUTED


def _axis(total: Seconds, height: int) -> Iterator[Html]:
    coarse = next((step for step in STEPS if total / step <= TICKS), STEPS[-1])
    for class_, cut in FINER:
        step = coarse / cut
        drawn = [
            join(
                [
                    tag("line", x1=percent(at, total), x2=percent(at, total), y1=0, y2=height),
                    tag("text", clock(at), x=percent(at, total), y=13, dx=4),
                ]
            )
            for n in range(int(total / step) + 1)
            if (at := n * step) < total and (cut == 1 or n % cut)
        ]
        yield tag("g", *drawn, class_=f"ticks {class_}".strip(), aria_hidden="true")
