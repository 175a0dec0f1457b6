"""What was used while a span was open, from samples taken at fixed distances.

Counters are interpolated linearly at a span's borders, so a span shorter than the distance gets a share.
A value that can't be had is None; why is in `SampledResources.missing`.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from cc_ci.system.units import Bytes, Seconds
from cc_ci.timing.series import Sample, Series, series_of
from cc_ci.timing.spans import Span

CHART_SAMPLES = 600


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What one control group, or the machine, used between two instants; memory is the peak between them.

    Under cgroup v1 a group's `written_bytes` are a lower bound: what the kernel flushes later is nobody's.
    """

    cpu_seconds: Seconds | None = None
    read_bytes: Bytes | None = None
    written_bytes: Bytes | None = None
    peak_memory_bytes: Bytes | None = None
    """Usage, page cache included; of the samples, and for a whole run of the kernel where it has it."""
    peak_working_set_bytes: Bytes | None = None
    """Usage less the inactive page cache; of the samples."""
    mean_resident_bytes: Bytes | None = None
    """What no file backs, so that it has to be in memory; over the time, of the samples."""


class Pressure(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds in which some, or all, tasks of the machine stood still for want of a resource."""

    cpu_some_seconds: Seconds | None = None
    io_some_seconds: Seconds | None = None
    io_full_seconds: Seconds | None = None
    memory_some_seconds: Seconds | None = None
    memory_full_seconds: Seconds | None = None


class SpanResources(msgspec.Struct, frozen=True, kw_only=True):
    """What was used while one span was open; `span` is None for the whole run."""

    span: int | None = None
    stack: Usage = Usage()
    engine: Usage = Usage()
    suite: Usage = Usage()
    """Of suites, their browsers, and the tools that copy volumes, restic among them."""
    machine: Usage = Usage()
    pressure: Pressure = Pressure()


class ResourceSample(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was seen at one instant, for charts; CPU seconds count from the first sample."""

    at: Seconds
    stack_cpu_seconds: Seconds | None = None
    stack_memory_bytes: Bytes | None = None
    engine_cpu_seconds: Seconds | None = None
    engine_memory_bytes: Bytes | None = None


SOURCES = {
    "cpu_seconds": "cpu_seconds",
    "read_bytes": "read_bytes",
    "written_bytes": "written_bytes",
    "peak_memory_bytes": "memory_bytes",
    "peak_working_set_bytes": "working_set_bytes",
    "mean_resident_bytes": "resident_bytes",
}
"""The value of a reading that each field of Usage comes from."""

GROUPS = ("stack", "engine", "suite", "machine")
GAUGES = frozenset({"memory_bytes", "working_set_bytes", "resident_bytes", "kernel_peak_bytes"})


class SampledResources:
    """The samples of a run as series, and what was used between two instants of it.

    `missing` says why values are None, by their paths in a run's result.
    """

    def __init__(self, samples: Sequence[Sample], *, why_missing: Callable[[str], str]) -> None:
        self._samples = tuple(samples)
        series = series_of(samples)
        self._gauges = {name: line for name, line in series.items() if name.partition(".")[2] in GAUGES}
        self._counters = {name: line.rising() for name, line in series.items() if name not in self._gauges}
        self.missing = {path: why_missing(name) for path, name in _paths() if name not in series}

    def of(self, spans: Iterable[Span], *, end: Seconds) -> tuple[SpanResources, ...]:
        """The whole run first, then each span; a span that is still open ends at `end`."""
        of_spans = (self.between(s.start, end if s.end is None else s.end, span=s.id) for s in spans)
        return (self.whole(end=end), *of_spans)

    def between(self, start: Seconds, end: Seconds, *, span: int | None = None) -> SpanResources:
        stalls = {field: self._used(f"pressure.{field}", start, end) for field in Pressure.__struct_fields__}
        groups = {group: self._usage(group, start, end) for group in GROUPS}
        return SpanResources(span=span, **groups, pressure=Pressure(**stalls))

    def whole(self, *, end: Seconds) -> SpanResources:
        """The whole run, with the kernel's own peaks: exact where they rose while it ran."""
        sampled = self.between(0.0, end)
        return msgspec.structs.replace(
            sampled, stack=self._exact(sampled.stack, "stack"), engine=self._exact(sampled.engine, "engine")
        )

    def chart(self, *, limit: int = CHART_SAMPLES) -> tuple[ResourceSample, ...]:
        """Evenly chosen samples, at most `limit` of them."""
        step = max(1, math.ceil(len(self._samples) / limit))
        return tuple(self._chosen(sample.at) for sample in self._samples[::step])

    def _chosen(self, at: Seconds) -> ResourceSample:
        return ResourceSample(
            at=at,
            stack_cpu_seconds=_at(self._counters.get("stack.cpu_seconds"), at),
            stack_memory_bytes=_whole(_at(self._gauges.get("stack.memory_bytes"), at)),
            engine_cpu_seconds=_at(self._counters.get("engine.cpu_seconds"), at),
            engine_memory_bytes=_whole(_at(self._gauges.get("engine.memory_bytes"), at)),
        )

    def _usage(self, group: str, start: Seconds, end: Seconds) -> Usage:
        return Usage(
            cpu_seconds=self._used(f"{group}.cpu_seconds", start, end),
            read_bytes=_whole(self._used(f"{group}.read_bytes", start, end)),
            written_bytes=_whole(self._used(f"{group}.written_bytes", start, end)),
            peak_memory_bytes=_whole(self._peak(f"{group}.memory_bytes", start, end)),
            peak_working_set_bytes=_whole(self._peak(f"{group}.working_set_bytes", start, end)),
            mean_resident_bytes=_whole(self._mean(f"{group}.resident_bytes", start, end)),
        )

    def _used(self, name: str, start: Seconds, end: Seconds) -> float | None:
        series = self._counters.get(name)
        return series.at(end) - series.at(start) if series else None

    def _peak(self, name: str, start: Seconds, end: Seconds) -> float | None:
        series = self._gauges.get(name)
        return series.peak(start, end) if series else None

    def _mean(self, name: str, start: Seconds, end: Seconds) -> float | None:
        series = self._gauges.get(name)
        return series.mean(start, end) if series else None

    def _exact(self, usage: Usage, group: str) -> Usage:
        kernel = self._gauges.get(f"{group}.kernel_peak_bytes")
        if kernel is None or kernel.values[-1] <= kernel.values[0]:
            return usage
        return msgspec.structs.replace(usage, peak_memory_bytes=_whole(kernel.values[-1]))


def _paths() -> Iterator[tuple[str, str]]:
    """Each path of a resource in a run's result, and the value it comes from."""
    for group in GROUPS:
        for field, source in SOURCES.items():
            yield f"resources.*.{group}.{field}", f"{group}.{source}"
    for field in Pressure.__struct_fields__:
        yield f"resources.*.pressure.{field}", f"pressure.{field}"
    for field in ResourceSample.__struct_fields__[1:]:
        yield f"samples.*.{field}", field.replace("_", ".", 1)


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _at(series: Series | None, instant: Seconds) -> float | None:
    return None if series is None else series.at(instant)
