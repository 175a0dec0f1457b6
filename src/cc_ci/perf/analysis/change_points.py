"""Where a series of run times changed its level, and whether others on the host were to blame. Pure.

Binary segmentation: of all splits that leave `LEAST` runs on each side the one with the smallest Mann-Whitney
p is taken if p times the number of splits is below `ALPHA`; then both halves are looked at in the same way.
Ranks need no shape of the noise, and a change is told with its interval, which is somewhat too narrow, since
the split was chosen on the same runs. A host that drifts slowly looks like changes; others' CPU is told.
(The idea of nested splits: Scott and Knott, 1974; with rank statistics: Pettitt, 1979.)
"""

from collections.abc import Sequence

import msgspec

from cc_ci.perf.analysis.statistics import (
    Ratio,
    Shift,
    hodges_lehmann_unpaired,
    median,
    rank_p,
    shift_unpaired,
)
from cc_ci.system.units import Seconds

LEAST = 5
"""Runs on each side: fewer can't reach `ALPHA` over the splits of a series."""
ALPHA = 0.01
BUSIER = 0.10
"""CPUs: others on the host that use so much more, while runs take longer, may be the cause."""
NEAR = 30
"""Runs on each side of a change that its size is told from: exact intervals of more take long."""


class ChangePoint(msgspec.Struct, frozen=True, kw_only=True):
    """From the run at `index` on, times are other than before, back to the change before it.

    `ratio` is None where a time of 0 has none. `others` are the median CPUs that others than the run used
    before and after, None where it is not known.
    """

    index: int
    shift: Shift
    ratio: Ratio | None
    p_value: float
    others: tuple[float, float] | None = None

    @property
    def of_the_host(self) -> bool:
        """Whether others' use of the host moved with it, so that it is not held against the recipe."""
        if self.others is None:
            return False
        moved = self.others[1] - self.others[0]
        return abs(moved) >= BUSIER and (moved > 0) == (self.shift.estimate > 0)


def change_points(seconds: Sequence[Seconds], others: Sequence[float | None] = ()) -> tuple[ChangePoint, ...]:
    """The changes of level in order. `others`: the CPUs that others used in each run, as long as `seconds`.

    They are the host's less the run's own: its own pressure would excuse a recipe for what it needs.
    """
    borders = sorted(_splits(seconds, 0))
    edges = [0, *(at for at, _ in borders), len(seconds)]
    return tuple(
        _change(seconds, others, at, p, start=edges[number], end=edges[number + 2])
        for number, (at, p) in enumerate(borders)
    )


def _change(
    seconds: Sequence[Seconds], others: Sequence[float | None], at: int, p: float, *, start: int, end: int
) -> ChangePoint:
    before, after = seconds[max(start, at - NEAR) : at], seconds[at : min(end, at + NEAR)]
    return ChangePoint(
        index=at,
        shift=shift_unpaired(before, after),
        ratio=hodges_lehmann_unpaired(before, after) if min(*before, *after) > 0 else None,
        p_value=p,
        others=_medians(others[start:at], others[at:end]),
    )


def _splits(seconds: Sequence[Seconds], offset: int) -> list[tuple[int, float]]:
    candidates = range(LEAST, len(seconds) - LEAST + 1)
    if not candidates:
        return []
    p, at = min((rank_p(seconds[:at], seconds[at:]), at) for at in candidates)
    if p * len(candidates) >= ALPHA:
        return []
    return [
        (offset + at, p * len(candidates)),
        *_splits(seconds[:at], offset),
        *_splits(seconds[at:], offset + at),
    ]


def _medians(before: Sequence[float | None], after: Sequence[float | None]) -> tuple[float, float] | None:
    known = [[one for one in side if one is not None] for side in (before, after)]
    return (median(known[0]), median(known[1])) if all(known) else None
