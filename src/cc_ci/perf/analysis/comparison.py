"""Two runs, or two sets of runs, held against each other: what changed, how much, is it noise. Pure."""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import mean
from typing import Literal

import msgspec

from cc_ci.perf.analysis.settings import OR, settings
from cc_ci.perf.analysis.statistics import (
    CONFIDENCE,
    Ratio,
    Shift,
    hodges_lehmann_paired,
    hodges_lehmann_unpaired,
    holm,
    least_p,
    median,
    shift_paired,
    shift_unpaired,
)
from cc_ci.results.schema import RunResult
from cc_ci.system.units import Seconds
from cc_ci.timing.parts import Part
from cc_ci.timing.phases import UNATTRIBUTED

LEAST: Seconds = 0.5
"""A phase's change below this is not told, however sure it is."""
LEAST_SHARE = 0.01
"""Phases below this share of a run, on average, are not judged: each one takes from the power for all others.

On average, since one that occurs in some runs only has a median of 0.
"""
ENOUGH = 2
"""So few runs on a side have a spread; one has none."""
GREEN = ("green", "passed")
"""The verdict of a run, and the outcome of its stages and tests, that nothing is wrong with."""
Noise = Literal["changed", "within noise", "too few to tell"]


class RunSample(msgspec.Struct, frozen=True, kw_only=True):
    """One run, and the parts of its critical path; `place` is that in its set's order.

    `host` is what `host_speed` says of the machine meanwhile.
    """

    result: RunResult
    parts: tuple[Part, ...]
    place: int = 0
    host: Seconds | None = None


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """What is compared; `label` is what it was called by.

    Times are those of `samples`; `red` are runs that ended otherwise than green, or never: no samples of a
    time, but what they came to counts.
    """

    label: str
    samples: tuple[RunSample, ...]
    red: tuple[RunResult, ...] = ()
    code: str = ""
    """The states of the code that the runs of a set were made with; single runs tell a version only."""
    boots: str = ""
    """Of the machines that the runs of a set were made on; another boot may be another machine."""

    @property
    def results(self) -> tuple[RunResult, ...]:
        return (*(one.result for one in self.samples), *self.red)

    @property
    def totals(self) -> tuple[Seconds, ...]:
        return tuple(one.result.total_seconds for one in self.samples)


class Where(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A phase in a stage; parts outside of stages have none."""

    stage: str
    phase: str

    def __str__(self) -> str:
        return f"{self.phase} of {self.stage}" if self.stage else self.phase


class PhaseChange(msgspec.Struct, frozen=True, kw_only=True):
    """Medians of both sides, seconds; `p_adjusted` is Holm's over all phases, None for single runs."""

    where: Where
    a: Seconds
    b: Seconds
    shift: Shift | None
    p_adjusted: float | None
    noise: Noise


class OutcomeChange(msgspec.Struct, frozen=True, kw_only=True):
    """A run, a stage or a test that came to something else; None where one side has no such thing."""

    name: str
    a: str | None
    b: str | None

    @property
    def lost(self) -> bool:
        """Green before, and now red, or not shown at all; at times green before, and never now.

        What is not there any more is lost with its stage, if that is.
        """
        if self.a is None or self.b is None:
            return False
        before, after = ({one in GREEN for one in seen.split(OR)} for seen in (self.a, self.b))
        return (before == {True} and False in after) or (True in before and after == {False})


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that differs; `setting` confounds it, so it comes first. `ratio` is None for single runs."""

    a: Side
    b: Side
    paired: bool
    setting: tuple[str, ...]
    ratio: Ratio | None
    phases: tuple[PhaseChange, ...]
    outcomes: tuple[OutcomeChange, ...]

    @property
    def changed(self) -> tuple[PhaseChange, ...]:
        return tuple(one for one in self.phases if one.noise == "changed")


def alternate(a: Side, b: Side) -> bool:
    """Whether the runs of two sides of one set are pairs: one of each, then one of each again."""
    if len(a.samples) != len(b.samples):
        return False
    pairs = [sorted((one.place, other.place)) for one, other in zip(a.samples, b.samples, strict=True)]
    return all(before[1] < after[0] for before, after in itertools.pairwise(pairs))


def compare(a: Side, b: Side, *, paired: bool = False) -> Comparison:
    """Hold `b` against `a`; `paired` where their runs alternate in one set and are as many."""
    enough = min(len(a.samples), len(b.samples)) >= ENOUGH
    ratio = None
    if enough:
        ratio = (hodges_lehmann_paired if paired else hodges_lehmann_unpaired)(a.totals, b.totals)
    return Comparison(
        a=a,
        b=b,
        paired=paired,
        setting=tuple(_setting(a, b)),
        ratio=ratio,
        phases=_phases(a, b, paired=paired, enough=enough),
        outcomes=tuple(_changed(a, b)),
    )


def _phases(a: Side, b: Side, *, paired: bool, enough: bool) -> tuple[PhaseChange, ...]:
    if not a.samples or not b.samples:
        return ()
    staged = _staged(a) and _staged(b)
    ours, theirs = _by_phase(a, staged=staged), _by_phase(b, staged=staged)
    least = max(LEAST, LEAST_SHARE * median(a.totals))
    places = sorted(
        place
        for place in ours.keys() | theirs.keys()
        if max(mean(values[place]) for values in (ours, theirs) if place in values) >= least
    )
    nothing_a, nothing_b = (0.0,) * len(a.samples), (0.0,) * len(b.samples)
    pairs = [(ours.get(place, nothing_a), theirs.get(place, nothing_b)) for place in places]
    if not enough:
        rows = [_single(place, *values) for place, values in zip(places, pairs, strict=True)]
    else:
        # few pairs can't outlast Holm's, however clear they are, where the same runs as samples can
        paired = paired and len(places) * least_p(len(a.samples)) <= 1 - CONFIDENCE
        shifts = [(shift_paired if paired else shift_unpaired)(*values) for values in pairs]
        adjusted = holm([shift.p_value for shift in shifts])
        least_p_adjusted = len(places) * least_p(len(a.samples), None if paired else len(b.samples))
        told = least_p_adjusted <= 1 - CONFIDENCE
        rows = [
            _judged(place, values, shift, p, told=told)
            for place, values, shift, p in zip(places, pairs, shifts, adjusted, strict=True)
        ]
    return tuple(sorted(rows, key=lambda row: -abs(row.b - row.a)))


def _single(place: Where, a: Sequence[Seconds], b: Sequence[Seconds]) -> PhaseChange:
    return PhaseChange(
        where=place, a=median(a), b=median(b), shift=None, p_adjusted=None, noise="too few to tell"
    )


def _judged(
    place: Where,
    values: tuple[Sequence[Seconds], Sequence[Seconds]],
    shift: Shift,
    adjusted: float,
    *,
    told: bool,
) -> PhaseChange:
    sure = adjusted <= 1 - CONFIDENCE and abs(shift.estimate) >= LEAST
    return PhaseChange(
        where=place,
        a=median(values[0]),
        b=median(values[1]),
        shift=shift,
        p_adjusted=adjusted,
        noise="changed" if sure else "within noise" if told else "too few to tell",
    )


def _staged(side: Side) -> bool:
    """Whether its parts tell their stages; those of results that were kept without spans do not."""
    return any(part.stage for sample in side.samples for part in sample.parts)


def _by_phase(side: Side, *, staged: bool) -> Mapping[Where, tuple[Seconds, ...]]:
    """Seconds of each phase, in each stage if `staged`, one for each run, 0 where it did not occur."""
    sums: list[defaultdict[Where, Seconds]] = []
    for sample in side.samples:
        one: defaultdict[Where, Seconds] = defaultdict(float)
        for part in sample.parts:
            stage = part.stage if staged else None
            one[Where(stage=stage or "", phase=part.phase or UNATTRIBUTED)] += part.seconds
        sums.append(one)
    places = {place for one in sums for place in one}
    return {place: tuple(one.get(place, 0.0) for one in sums) for place in places}


def _changed(a: Side, b: Side) -> Iterator[OutcomeChange]:
    ours, theirs = _outcomes(a), _outcomes(b)
    for name in dict.fromkeys([*ours, *theirs]):
        if ours.get(name) != theirs.get(name):
            yield OutcomeChange(name=name, a=ours.get(name), b=theirs.get(name))


def _outcomes(side: Side) -> dict[str, str]:
    """Of runs, stages and tests: what each came to, or all that was seen."""
    seen: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for result in side.results:
        seen["run"][result.verdict or "never ended"] = None
        for stage in result.stages:
            seen[stage.name][stage.outcome] = None
            for test in stage.tests:
                seen[f"{stage.name}: {test.id}"][test.outcome] = None
    return {name: OR.join(sorted(outcomes)) for name, outcomes in seen.items()}


def _setting(a: Side, b: Side) -> Iterator[str]:
    """What is not the same to begin with."""
    ours, theirs = _settings(a), _settings(b)
    for name in ours:
        if name in theirs and ours[name] != theirs[name]:
            yield f"{name}: {ours[name]} in A, {theirs[name]} in B"


def _settings(side: Side) -> dict[str, str]:
    told = settings(side.results)
    if side.samples:
        told["stages of phases"] = "known" if _staged(side) else "unknown"
    return {**told, "code": side.code, "boots": side.boots}


def in_words(found: Comparison) -> str:
    """One sentence: how much longer, is it noise, and where."""
    counts = f"{len(found.a.samples)} and {len(found.b.samples)} runs"
    if not found.a.samples or not found.b.samples:
        side = "B" if found.a.samples else "A"
        return f"{side} has no green run, so that there is no time to compare"
    if found.ratio is None:
        a, b = median(found.a.totals), median(found.b.totals)
        return f"B took {b:.0f} s, A {a:.0f} s: {counts} do not tell a change from noise"
    ratio = found.ratio
    if ratio.low is None or ratio.high is None:
        return (
            f"B takes {ratio.estimate:.2f} times as long as A; {counts} are too few to tell that from noise"
        )
    interval = f"95 %: {ratio.low:.2f} to {ratio.high:.2f}, {counts}"
    if ratio.low > 1 or ratio.high < 1:
        way = "slower" if ratio.low > 1 else "quicker"
        return f"B is {way}: {ratio.estimate:.2f} times as long as A ({interval}){_told(found)}"
    times = f"{ratio.estimate:.2f} times as long"
    return f"no difference shown: B takes {times} as A ({interval}){_told(found)}"


def _told(found: Comparison) -> str:
    told = [f"{one.shift.estimate:+.1f} s in {one.where}" for one in found.changed if one.shift]
    if told:
        return f"; {', '.join(told)}"
    if any(one.noise == "too few to tell" for one in found.phases):
        return "; too few runs to tell in which phase"
    return "; no phase by itself beyond noise"
