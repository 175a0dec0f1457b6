"""The critical path of a run, summed up: what it was in, for what it waited, and what was used meanwhile.

A part is all stretches of the path with the same stage, deployment, phase, kind of span, name and wait. Parts
add up to the run's time, so that tables made of them have no rest; they are small enough to be kept always.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from cc_ci.system.units import Seconds
from cc_ci.timing.actions import SERVICE
from cc_ci.timing.critical_path import PhaseTable, Segment
from cc_ci.timing.phases import Phase
from cc_ci.timing.resources import SpanResources
from cc_ci.timing.spans import Span, SpanKind

WAITS_FOR = "waits_for"
"""The attribute by which a span says what it waits for."""
OTHERS = "others"
"""The name of what is too short for a row of its own."""


class Use(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was used, or waited for under pressure, in seconds; pressures are those of the whole machine."""

    cpu: Seconds = 0.0
    cpu_pressure: Seconds = 0.0
    io_pressure: Seconds = 0.0
    memory_pressure: Seconds = 0.0

    def __add__(self, other: "Use") -> "Use":
        return Use(
            cpu=self.cpu + other.cpu,
            cpu_pressure=self.cpu_pressure + other.cpu_pressure,
            io_pressure=self.io_pressure + other.io_pressure,
            memory_pressure=self.memory_pressure + other.memory_pressure,
        )

    def times(self, factor: float) -> "Use":
        return Use(
            cpu=self.cpu * factor,
            cpu_pressure=self.cpu_pressure * factor,
            io_pressure=self.io_pressure * factor,
            memory_pressure=self.memory_pressure * factor,
        )

    def rounded(self) -> "Use":
        return Use(**{name: round(value, 3) for name, value in msgspec.structs.asdict(self).items()})


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`seconds` on the critical path in spans of one name; `phase` is None where no span had one.

    `use` is of those seconds, a span's own spread evenly over it; None where it was not measured.
    """

    seconds: Seconds
    name: str | None = None
    kind: SpanKind | None = None
    action: str | None = None
    service: str | None = None
    stage: str | None = None
    phase: Phase | None = None
    deployment: str | None = None
    waits_for: str | None = None
    times: int = 1
    """How many spans it is made of."""
    use: Use | None = None


class _Key(NamedTuple):
    """What the stretches of one part have in common."""

    stage: str | None = None
    deployment: str | None = None
    phase: Phase | None = None
    name: str | None = None
    kind: SpanKind | None = None
    action: str | None = None
    service: str | None = None
    waits_for: str | None = None


def parts_of(
    phases: PhaseTable,
    spans: Sequence[Span],
    resources: Sequence[SpanResources] = (),
    *,
    smallest: Seconds = 0.0,
) -> tuple[Part, ...]:
    """The parts of a run's path, the longest first; those below `smallest` seconds are told by phase only."""
    known = {span.id: span for span in spans}
    used = {one.span: one for one in resources if one.span is not None}
    stretches: defaultdict[_Key, list[Segment]] = defaultdict(list)
    for segment in phases.path:
        stretches[_key(segment, known.get(segment.span or 0))].append(segment)
    parts = [_part(key, segments, known, used) for key, segments in stretches.items()]
    kept = [part for part in parts if part.seconds >= smallest]
    rest = [part for part in parts if part.seconds < smallest]
    return tuple(sorted([*kept, *_others(rest)], key=lambda part: -part.seconds))


def _key(segment: Segment, span: Span | None) -> _Key:
    if span is None:
        return _Key(phase=segment.phase)
    waits_for, service = (span.attributes.get(name) for name in (WAITS_FOR, SERVICE))
    return _Key(
        stage=span.stage,
        deployment=span.deployment,
        phase=segment.phase,
        name=span.name,
        kind=span.kind,
        action=span.action,
        service=None if service is None else str(service),
        waits_for=None if waits_for is None else str(waits_for),
    )


def _part(
    key: _Key,
    segments: Sequence[Segment],
    known: Mapping[int, Span],
    used: Mapping[int, SpanResources],
) -> Part:
    uses = [use for segment in segments if (use := _use(segment, known, used)) is not None]
    return Part(
        seconds=sum(segment.end - segment.start for segment in segments),
        **key._asdict(),
        times=len({segment.span for segment in segments}),
        use=sum(uses, start=Use()) if len(uses) == len(segments) else None,
    )


def _use(segment: Segment, known: Mapping[int, Span], used: Mapping[int, SpanResources]) -> Use | None:
    """The segment's share of what was used while its span was open."""
    span, found = known.get(segment.span or 0), used.get(segment.span or 0)
    if span is None or found is None or span.seconds == 0:
        return None
    pressure = found.pressure
    cpu = (found.stack.cpu_seconds, found.engine.cpu_seconds)
    if None in cpu or pressure.cpu_some_seconds is None:
        return None
    whole = Use(
        cpu=sum(filter(None, cpu)),
        cpu_pressure=pressure.cpu_some_seconds,
        io_pressure=pressure.io_some_seconds or 0.0,
        memory_pressure=pressure.memory_some_seconds or 0.0,
    )
    return whole.times((segment.end - segment.start) / span.seconds)


def _others(parts: Sequence[Part]) -> Iterator[Part]:
    groups: defaultdict[tuple[str | None, str | None, Phase | None], list[Part]] = defaultdict(list)
    for part in parts:
        groups[part.stage, part.deployment, part.phase].append(part)
    for (stage, deployment, phase), group in groups.items():
        uses = [part.use for part in group if part.use is not None]
        yield Part(
            seconds=sum(part.seconds for part in group),
            name=OTHERS,
            stage=stage,
            phase=phase,
            deployment=deployment,
            times=sum(part.times for part in group),
            use=sum(uses, start=Use()) if len(uses) == len(group) else None,
        )
