"""Where a series of run times changed its level, and whether the host was to blame. Pure.

Binary segmentation: of all splits that leave `LEAST` runs on each side the one with the smallest Mann-Whitney
p is taken if p times the number of splits is below `ALPHA`; then both halves are looked at in the same way.
Ranks need no shape of the noise, and a change is told with its ratio and exact interval. (The idea of nested
splits: Scott and Knott, 1974; with rank statistics: Pettitt, 1979.)
"""

from collections.abc import Sequence

import msgspec

from cc_ci.perf.statistics import Ratio, hodges_lehmann_unpaired, median

LEAST = 5
"""Runs on each side: fewer can't reach `ALPHA` over the splits of a series."""
ALPHA = 0.01
BUSIER = 0.10
"""A host whose pressure changed by so much of the time, in the same direction, may be the cause."""


class ChangePoint(msgspec.Struct, frozen=True, kw_only=True):
    """From the run at `index` on, times are `ratio` of those before, back to the change before it.

    `pressure` is the median share of time under pressure before and after, None where it is not known.
    """

    index: int
    ratio: Ratio
    p_value: float
    pressure: tuple[float, float] | None = None

    @property
    def of_the_host(self) -> bool:
        """Whether the host's own pressure moved with it, so that it is not held against the recipe."""
        if self.pressure is None:
            return False
        moved = self.pressure[1] - self.pressure[0]
        return abs(moved) >= BUSIER and (moved > 0) == (self.ratio.estimate > 1)


def change_points(seconds: Sequence[float], pressure: Sequence[float | None] = ()) -> tuple[ChangePoint, ...]:
    """The changes of level in order. `pressure` is the share of each run's time, as long as `seconds`."""
    borders = sorted(_splits(seconds, 0))
    edges = [0, *(at for at, _ in borders), len(seconds)]
    return tuple(
        ChangePoint(
            index=at,
            ratio=hodges_lehmann_unpaired(seconds[edges[number] : at], seconds[at : edges[number + 2]]),
            p_value=p,
            pressure=_pressures(pressure, edges[number], at, edges[number + 2]),
        )
        for number, (at, p) in enumerate(borders)
    )


def _splits(seconds: Sequence[float], offset: int) -> list[tuple[int, float]]:
    candidates = range(LEAST, len(seconds) - LEAST + 1)
    if not candidates or min(seconds) <= 0:
        return []
    tried = [(hodges_lehmann_unpaired(seconds[:at], seconds[at:]).p_value, at) for at in candidates]
    p, at = min(tried)
    if p * len(tried) >= ALPHA:
        return []
    return [
        (offset + at, p * len(tried)),
        *_splits(seconds[:at], offset),
        *_splits(seconds[at:], offset + at),
    ]


def _pressures(pressure: Sequence[float | None], start: int, at: int, end: int) -> tuple[float, float] | None:
    before = [one for one in pressure[start:at] if one is not None]
    after = [one for one in pressure[at:end] if one is not None]
    return (median(before), median(after)) if before and after else None
