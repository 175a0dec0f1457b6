"""A run as a trace file that Perfetto opens: https://ui.perfetto.dev, "Open trace file".

The format is Chrome's trace event JSON: microseconds, one track per deployment (more if its spans overlap),
phases as categories, the critical path as the first track, memory and CPU as counters.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import msgspec

from cc_ci.results.schema import RunResult
from cc_ci.timing.phases import UNATTRIBUTED
from cc_ci.timing.resources import ResourceSample
from cc_ci.timing.spans import Span

Event = dict[str, Any]
PROCESS = 1
PATH_TRACK = 1
MEBIBYTE = 1 << 20


def perfetto(result: RunResult) -> bytes:
    """The JSON document."""
    events = [
        _named("process_name", 0, f"{result.recipe.name} {result.run}"),
        *_critical_path(result),
        *_spans(result.spans, end=result.total_seconds),
        *_counters(result.samples),
    ]
    return msgspec.json.encode({"displayTimeUnit": "ms", "traceEvents": events})


def _spans(spans: Sequence[Span], *, end: float) -> Iterator[Event]:
    by_deployment: defaultdict[str, list[Span]] = defaultdict(list)
    for span in spans:
        by_deployment[span.deployment or "run"].append(span)
    track = PATH_TRACK
    for deployment, own in by_deployment.items():
        for number, lane in enumerate(lanes(own, end=end), start=1):
            track += 1
            yield _named("thread_name", track, deployment if number == 1 else f"{deployment} ({number})")
            yield from (_complete(span, track, end=end) for span in lane)


class _Lane:
    """A track in which every span lies inside, or after, the one before it."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._open_until: list[float] = []

    def has_room(self, start: float, end: float) -> bool:
        while self._open_until and self._open_until[-1] <= start:
            self._open_until.pop()
        return not self._open_until or end <= self._open_until[-1]

    def add(self, span: Span, end: float) -> None:
        self.spans.append(span)
        self._open_until.append(end)


def lanes(spans: Sequence[Span], *, end: float) -> list[list[Span]]:
    """Spread spans over as few tracks as are found in which they nest: the first that has room takes each."""
    found: list[_Lane] = []
    for span in sorted(spans, key=lambda span: (span.start, -_end(span, end))):
        lane = next((lane for lane in found if lane.has_room(span.start, _end(span, end))), None)
        if lane is None:
            lane = _Lane()
            found.append(lane)
        lane.add(span, _end(span, end))
    return [lane.spans for lane in found]


def _end(span: Span, end: float) -> float:
    return end if span.end is None else span.end


def _complete(span: Span, track: int, *, end: float) -> Event:
    seen = {"stage": span.stage, "status": span.status, "error": span.error, **span.attributes}
    return _event(
        "X",
        track,
        name=span.name,
        cat=span.phase or "group",
        ts=_micro(span.start),
        dur=_micro(_end(span, end)) - _micro(span.start),
        args={key: value for key, value in seen.items() if value is not None},
    )


def _critical_path(result: RunResult) -> Iterator[Event]:
    yield _named("thread_name", PATH_TRACK, "critical path")
    for part in result.phases.path if result.phases else ():
        phase, start = part.phase or UNATTRIBUTED, _micro(part.start)
        yield _event("X", PATH_TRACK, name=phase, cat=phase, ts=start, dur=_micro(part.end) - start)


def _counters(samples: Sequence[ResourceSample]) -> Iterator[Event]:
    for sample in samples:
        sizes = {"stack": sample.stack_memory_bytes, "engine": sample.engine_memory_bytes}
        seen = {group: size / MEBIBYTE for group, size in sizes.items() if size is not None}
        yield _event("C", 0, name="memory, MiB", ts=_micro(sample.at), args=seen)
    for before, after in pairwise(samples):
        yield _event("C", 0, name="CPUs used", ts=_micro(before.at), args=_cpus(before, after))


def _cpus(before: ResourceSample, after: ResourceSample) -> dict[str, float]:
    used = {
        "stack": (before.stack_cpu_seconds, after.stack_cpu_seconds),
        "engine": (before.engine_cpu_seconds, after.engine_cpu_seconds),
    }
    seconds = after.at - before.at
    return {
        group: (high - low) / seconds
        for group, (low, high) in used.items()
        if low is not None and high is not None and seconds > 0
    }


def _named(what: str, track: int, name: str) -> Event:
    return _event("M", track, name=what, args={"name": name})


def _event(kind: str, track: int, **fields: object) -> Event:
    return {"ph": kind, "pid": PROCESS, "tid": track, **fields}


def _micro(seconds: float) -> int:
    return round(seconds * 1e6)
