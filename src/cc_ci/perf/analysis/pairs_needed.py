"""How many pairs an experiment takes: from what equal runs differ by, by a rule written before. Pure.

The rule: n is the least number of pairs with which a paired test of level 5 %, two-sided, finds an effect of
the size sought in 80 % of all experiments, where pairs of equal runs differ by their own log-sd; and never
below six, since fewer can't reach 5 % by signs at all (least p of Wilcoxon's test: 2 / 2^n).

Of the normal law, with Guenther's correction for the spread being estimated (The American Statistician 35,
1981, page 243), over 3 / pi, the efficiency of Wilcoxon's test where differences are normal (Hodges and
Lehmann 1956). It is at its worst there, or near it: of differences with longer tails fewer pairs would do.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist

import msgspec

from cc_ci.perf.baselines.measured_set import Set
from cc_ci.results.measured import Cell, Measured
from cc_ci.system.units import Seconds

LEVEL = 0.05
POWER = 0.8
FEWEST = 6
EFFICIENCY = 3 / math.pi
EFFECTS = (0.05, 0.1, 0.2)
"""Shares of a run that may be worth having."""


class PairNoise(msgspec.Struct, frozen=True, kw_only=True):
    """What pairs of runs of one cell differ by."""

    cell: Cell
    pairs: tuple[tuple[Measured, Measured], ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        return tuple(_seconds(later) / _seconds(earlier) for earlier, later in self.pairs)

    @property
    def apart(self) -> int:
        """How many runs of the set came between the two, at most."""
        return max(later.place - earlier.place - 1 for earlier, later in self.pairs)

    @property
    def log_sd(self) -> float:
        """About 0, which is where equal runs lie: a drift from the first to the second counts as noise."""
        logs = [math.log(ratio) for ratio in self.ratios]
        return math.sqrt(sum(one * one for one in logs) / len(logs))

    def needed(self, effect: float) -> int:
        return pairs_needed(self.log_sd, effect)


def pairs_needed(log_sd: float, effect: float, *, level: float = LEVEL, power: float = POWER) -> int:
    """Pairs to tell a run that takes `effect` less, a share of it, from an equal one."""
    normal = NormalDist()
    low, high = normal.inv_cdf(1 - level / 2), normal.inv_cdf(power)
    sought = -math.log1p(-effect)
    pairs = ((low + high) * log_sd / sought) ** 2 + low**2 / 2
    return max(FEWEST, math.ceil(pairs / EFFICIENCY))


def noises(measured: Set) -> tuple[PairNoise, ...]:
    """Pairs of runs of one boot, in the set's order, for each cell that has two or more valid runs."""
    found = (
        PairNoise(cell=cell, pairs=_pairs(sorted(runs, key=lambda one: one.place)))
        for cell, runs in measured.filled
    )
    return tuple(one for one in found if one.pairs)


def _seconds(run: Measured) -> Seconds:
    return run.result.total_seconds if run.result else 0.0


def _pairs(runs: Sequence[Measured]) -> tuple[tuple[Measured, Measured], ...]:
    """The first and the second, the third and the fourth: no run is in two; none across two boots."""
    found: list[tuple[Measured, Measured]] = []
    waiting: Measured | None = None
    for one in runs:
        if waiting is not None and waiting.boot == one.boot:
            found.append((waiting, one))
            waiting = None
        else:
            waiting = one
    return tuple(found)
