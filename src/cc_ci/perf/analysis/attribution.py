"""Where the time of measured runs went: by phase, by wait, by lever, by what it was short of. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

import msgspec

from cc_ci.perf.analysis.savings import SAVINGS, Saving, works_on_provider
from cc_ci.perf.analysis.statistics import Interval, Spread, median, median_interval, spread
from cc_ci.perf.analysis.what_if import PathPlace, seconds_without
from cc_ci.results.measured import Measured
from cc_ci.results.measured import parts as parts_of_path
from cc_ci.results.schema import RunResult
from cc_ci.system.units import Seconds
from cc_ci.timing.parts import Part, Use
from cc_ci.timing.phases import UNATTRIBUTED

PRESSED = 0.25
"""A phase is bound by what some task waited for during at least this share of it."""
BUSY = 0.5
"""Or by the CPU, when this share of the node's CPUs was in use."""

Bound = Literal["cpu", "disk", "network", "memory", "waiting", "unknown"]


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """All values, in the order of the runs, and what they come to."""

    values: tuple[Seconds, ...]

    @property
    def median(self) -> Seconds:
        return median(self.values)

    @property
    def spread(self) -> Spread:
        return spread(self.values)

    @property
    def interval(self) -> Interval | None:
        return median_interval(self.values)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Something that took time on the critical path of each run, 0 where it did not occur."""

    name: str
    times: Times


class Pressed(msgspec.Struct, frozen=True, kw_only=True):
    """What one phase used and lacked, as shares of its own time; `bound` by the rule of `PRESSED`."""

    phase: str
    seconds: Seconds
    cpu: float
    cpu_pressure: float
    io_pressure: float
    memory_pressure: float
    bound: Bound


class Traced(msgspec.Struct, frozen=True, kw_only=True):
    """Of one run: its time, what a lever touches on its path, and what it could save of its tree of spans."""

    total: Seconds
    on_path: Seconds
    what_if: Seconds

    @property
    def kept(self) -> float:
        """The share of what lies on the path that taking it out would save."""
        return min(1.0, self.what_if / self.on_path) if self.on_path else 1.0


class SavingBound(msgspec.Struct, frozen=True, kw_only=True):
    """The most that a lever could save: on the paths of all runs, and for one of them, which is traced."""

    saving: Saving
    times: Times
    traced: Traced | None = None

    @property
    def seconds(self) -> Seconds:
        """The median on the path, less what a chain beside it takes back in the traced run."""
        return self.times.median * (self.traced.kept if self.traced else 1.0)


RowsOf = Callable[[Sequence[Measured]], tuple[Row, ...]]


def totals(runs: Sequence[Measured]) -> Times:
    return Times(values=tuple(one.result.total_seconds for one in runs if one.result))


def by_stage(runs: Sequence[Measured]) -> tuple[Row, ...]:
    """Seconds of each stage, in the stages' order; from its first step to its last, in stock."""
    names = dict.fromkeys(stage.name for one in runs if one.result for stage in one.result.stages)
    found = (Row(name=name, times=_stage_times(name, runs)) for name in names)
    return tuple(row for row in found if any(row.times.values))


def _stage_times(name: str, runs: Sequence[Measured]) -> Times:
    return Times(
        values=tuple(
            sum(stage.seconds for stage in one.result.stages if stage.name == name)
            for one in runs
            if one.result
        )
    )


def by_phase(runs: Sequence[Measured]) -> tuple[Row, ...]:
    """Seconds of each phase on the critical path, the longest first."""
    return rows(runs, lambda part: part.phase or UNATTRIBUTED)


def by_part(runs: Sequence[Measured]) -> tuple[Row, ...]:
    """Seconds of each kind of span on the critical path, over all stages, the longest first."""
    return rows(runs, named)


def rows(runs: Sequence[Measured], key: Callable[[Part], str | None]) -> tuple[Row, ...]:
    """The seconds of each kind of part, as `key` names it, the longest first; None is left out."""
    sums = [_sums(one.parts, key) for one in runs]
    names = dict.fromkeys(name for one in sums for name in one)
    found = [Row(name=name, times=Times(values=tuple(one.get(name, 0.0) for one in sums))) for name in names]
    return tuple(sorted(found, key=lambda row: -row.times.median))


def _sums(parts: Iterable[Part], key: Callable[[Part], str | None]) -> dict[str, Seconds]:
    sums: defaultdict[str, Seconds] = defaultdict(float)
    for part in parts:
        if (name := key(part)) is not None:
            sums[name] += part.seconds
    return sums


def named(part: Part) -> str:
    """The kind of span it is of."""
    return of_provider(part, part.name or UNATTRIBUTED)


def of_provider(part: Part, text: str) -> str:
    """Its services may be called as the app's are."""
    return f"{text} (provider)" if works_on_provider(PathPlace.of_part(part)) else text


def pressed(runs: Sequence[Measured], *, cpus: float) -> tuple[Pressed, ...]:
    """What each phase was short of, over all runs, the longest phase first."""
    groups: defaultdict[str, list[Part]] = defaultdict(list)
    for one in runs:
        for part in one.parts:
            groups[part.phase or UNATTRIBUTED].append(part)
    found = (_pressed(phase, group, runs=len(runs), cpus=cpus) for phase, group in groups.items())
    return tuple(sorted(found, key=lambda one: -one.seconds))


def _pressed(phase: str, parts: Sequence[Part], *, runs: int, cpus: float) -> Pressed:
    known = [(part.seconds, part.use) for part in parts if part.use is not None]
    seconds = sum(length for length, _ in known)
    use = sum((one for _, one in known), start=Use()).times(1 / seconds) if seconds else None
    return Pressed(
        phase=phase,
        seconds=sum(part.seconds for part in parts) / runs,
        cpu=use.cpu / cpus if use else 0.0,
        cpu_pressure=use.cpu_pressure if use else 0.0,
        io_pressure=use.io_pressure if use else 0.0,
        memory_pressure=use.memory_pressure if use else 0.0,
        bound=_bound(phase, use, cpus=cpus),
    )


def _bound(phase: str, use: Use | None, *, cpus: float) -> Bound:
    if use is None:
        return "unknown"
    shares: dict[Bound, float] = {
        "cpu": use.cpu_pressure,
        "disk": use.io_pressure,
        "memory": use.memory_pressure,
    }
    most = max(shares, key=lambda name: shares[name])
    if shares[most] >= PRESSED:
        return most
    if use.cpu / cpus >= BUSY:
        return "cpu"
    return "network" if phase == "images_pull" else "waiting"


def saving_bounds(runs: Sequence[Measured], trace: RunResult | None) -> tuple[SavingBound, ...]:
    """The most that each lever could save, the largest first; levers that touch nothing are left out."""
    bounds = (_saving_bound(saving, runs, trace) for saving in SAVINGS)
    return tuple(sorted((one for one in bounds if any(one.times.values)), key=lambda one: -one.times.median))


def _saving_bound(saving: Saving, runs: Sequence[Measured], trace: RunResult | None) -> SavingBound:
    times = _summed([one.parts for one in runs], saving)
    return SavingBound(saving=saving, times=times, traced=_traced(saving, trace) if trace else None)


def _summed(runs: Iterable[Sequence[Part]], saving: Saving) -> Times:
    return Times(
        values=tuple(
            sum(part.seconds for part in one if saving.touches(PathPlace.of_part(part))) for one in runs
        )
    )


def _traced(saving: Saving, trace: RunResult) -> Traced:
    total = trace.total_seconds
    rest = seconds_without(trace.spans, total=total, gone=saving.touches)
    return Traced(total=total, on_path=_summed([parts_of_path(trace)], saving).median, what_if=total - rest)


def opening(cell: str, runs: Sequence[Measured], *, most: int = 5) -> str:
    """One line: the median run, the lower of two, its place in the set, and the phases that it is made of."""
    middle = sorted(runs, key=lambda one: totals([one]).median)[(len(runs) - 1) // 2]
    total = totals([middle]).median
    phases = by_phase([middle])[:most]
    rest = total - sum(row.times.median for row in phases)
    parts = [f"{duration(row.times.median)} {row.name}" for row in phases]
    return f"{cell}, place {middle.place}: {duration(total)} = {' + '.join(_with_rest(parts, rest))}"


def _with_rest(parts: Sequence[str], rest: Seconds) -> Iterable[str]:
    yield from parts
    if rest >= 1:
        yield f"{duration(rest)} rest"


def duration(seconds: Seconds) -> str:
    """As people say it: 8m 05s, or 42s."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m {rest:02}s" if minutes else f"{rest}s"


def largest(bounds: Sequence[SavingBound], *, total: Seconds, most: int = 3) -> Iterator[str]:
    """The levers that could save most, in words, but for those within another."""
    apart = (bound for bound in bounds if bound.saving.within is None)
    for one in sorted(apart, key=lambda bound: -bound.seconds)[:most]:
        yield f"{one.saving.name} (at most {duration(one.seconds)}, {one.seconds / total:.0%})"
