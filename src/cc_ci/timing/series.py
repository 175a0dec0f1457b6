"""Values over time, made of samples; pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from cc_ci.system.units import Seconds
from cc_ci.timing.readings import CounterReading


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """`at` counts from the run's start."""

    at: Seconds
    reading: CounterReading


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """One value over time."""

    times: tuple[Seconds, ...]
    values: tuple[float, ...]

    def at(self, instant: Seconds) -> float:
        """The value at an instant: between two samples a straight line, outside of all the nearest."""
        after = bisect_left(self.times, instant)
        if after in (0, len(self.times)):
            return self.values[min(after, len(self.times) - 1)]
        (left, right), (low, high) = self.times[after - 1 : after + 1], self.values[after - 1 : after + 1]
        return low + (high - low) * (instant - left) / (right - left)

    def peak(self, start: Seconds, end: Seconds) -> float:
        inside = self.values[bisect_right(self.times, start) : bisect_left(self.times, end)]
        return max(self.at(start), self.at(end), *inside)

    def mean(self, start: Seconds, end: Seconds) -> float:
        """Over that time, with straight lines between samples."""
        if end <= start:
            return self.at(start)
        inside = self.times[bisect_right(self.times, start) : bisect_left(self.times, end)]
        instants = [(at, self.at(at)) for at in (start, *inside, end)]
        areas = ((high + low) / 2 * (right - left) for (left, low), (right, high) in pairwise(instants))
        return sum(areas) / (end - start)

    def rising(self) -> "Series":
        """Itself with falls taken out: a counter starts anew when groups under it go away."""
        values = [0.0]
        for before, after in pairwise(self.values):
            values.append(values[-1] + max(0.0, after - before))
        return Series(times=self.times, values=tuple(values))


def series_of(samples: Sequence[Sample]) -> dict[str, Series]:
    """One series per name, of the samples that have it."""
    names = {name for sample in samples for name in sample.reading}
    return {name: _series(samples, name) for name in names}


def _series(samples: Sequence[Sample], name: str) -> Series:
    having = [sample for sample in samples if name in sample.reading]
    return Series(
        times=tuple(sample.at for sample in having), values=tuple(sample.reading[name] for sample in having)
    )
