"""Medians, ratios and their exact intervals; the one module that needs scipy.

No distribution of run times is assumed beyond what ranks need: paired differences lie symmetrically about
their middle, two samples differ by a shift. Times that jump by whole intervals of a health check fit that
roughly only. Intervals are exact, by counting, so that they hold at six or eight runs: never below the
confidence asked for, mostly somewhat above. Where n is too small for any
interval of that confidence there is none, rather than a narrower one. Ties make them conservative.
"""

import bisect
import itertools
import math
import statistics
from collections.abc import Iterable, Sequence
from functools import cache

import msgspec

from cc_ci.errors import UsageError

CONFIDENCE = 0.95
COUNTED = 60


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """The quartiles: half of the values lie between them."""

    low: float
    high: float


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """`confidence` is the one reached, at least the one asked for."""

    low: float
    high: float
    confidence: float


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """How `b` differs from `a`.

    `low` and `high` are None where `n` (pairs, or the smaller sample) is too small for the confidence;
    `confidence` is then None, too. `p_value` is two-sided, of no difference.
    """

    estimate: float
    low: float | None
    high: float | None
    confidence: float | None
    p_value: float
    n: int


class Shift(Estimate, frozen=True, kw_only=True):
    """How much more `b` is than `a`, in their own unit."""


class Ratio(Estimate, frozen=True, kw_only=True):
    """How many times as long `b` takes as `a`."""

    def within(self, margin: float) -> bool:
        """Whether the whole interval lies within `1 +- margin`."""
        return (
            self.low is not None
            and self.high is not None
            and 1 - margin <= self.low <= self.high <= 1 + margin
        )


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def spread(values: Sequence[float]) -> Spread:
    """Quartiles, linear between the two nearest values (R's type 7); one value is its own spread."""
    if len(values) == 1:
        return Spread(low=values[0], high=values[0])
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(low=low, high=high)


def median_interval(values: Sequence[float], *, confidence: float = CONFIDENCE) -> Interval | None:
    """Bounds of the median by order statistics: the number of values below it is binomial, n and 1/2."""
    ordered = sorted(values)
    below = _tail_index([math.comb(len(ordered), k) for k in range(len(ordered) + 1)], confidence)
    return _between(ordered, below)


def shift_paired(a: Sequence[float], b: Sequence[float], *, confidence: float = CONFIDENCE) -> Shift:
    """The difference b - a of pairs: the median of all means of two differences (Walsh averages).

    The interval turns Wilcoxon's signed-rank test around: Hollander, Wolfe and Chicken, Nonparametric
    Statistical Methods, 3rd edition, sections 3.1 to 3.3.
    """
    if len(a) != len(b):
        raise UsageError(f"pairs need two samples of one length, not {len(a)} and {len(b)}")
    differences = [after - before for before, after in zip(a, b, strict=True)]
    walsh = sorted((x + y) / 2 for x, y in itertools.combinations_with_replacement(differences, 2))
    from scipy.stats import wilcoxon  # noqa: PLC0415 - half a second, which few commands need

    p_value = float(wilcoxon(differences, method="exact").pvalue) if any(differences) else 1.0
    return _shift(walsh, signed_rank_counts(len(a)), confidence, p_value, len(a))


def shift_unpaired(a: Sequence[float], b: Sequence[float], *, confidence: float = CONFIDENCE) -> Shift:
    """The difference b - a of two samples: the median of the differences of all their values.

    The interval turns the Mann-Whitney test around: the same book, sections 4.1 to 4.3.
    """
    differences = sorted(after - before for before in a for after in b)
    counts = rank_sum_counts(len(a), len(b))
    return _shift(differences, counts, confidence, _rank_sum_p(a, b), min(len(a), len(b)))


def hodges_lehmann_paired(a: Sequence[float], b: Sequence[float], *, confidence: float = CONFIDENCE) -> Ratio:
    """The ratio b/a of pairs: the shift of their logarithms. Values are above 0."""
    return _ratio(shift_paired(_logs(a), _logs(b), confidence=confidence))


def hodges_lehmann_unpaired(
    a: Sequence[float], b: Sequence[float], *, confidence: float = CONFIDENCE
) -> Ratio:
    """The ratio b/a of two samples: the shift of their logarithms. Values are above 0."""
    return _ratio(shift_unpaired(_logs(a), _logs(b), confidence=confidence))


def rank_p(a: Sequence[float], b: Sequence[float]) -> float:
    """The two-sided p of Mann and Whitney: exact up to `COUNTED` values in all, by the normal law above."""
    if len(a) + len(b) <= COUNTED:
        return _rank_sum_p(a, b)
    from scipy.stats import mannwhitneyu  # noqa: PLC0415 - as above

    return float(mannwhitneyu(a, b, method="asymptotic").pvalue)


def proportion_interval(successes: int, n: int, *, confidence: float = CONFIDENCE) -> Interval:
    """Bounds of a proportion by Clopper and Pearson (1934): no probability inside is refuted by the count."""
    tail = (1 - confidence) / 2
    from scipy.stats import beta  # noqa: PLC0415 - as above

    return Interval(
        low=float(beta.ppf(tail, successes, n - successes + 1)) if successes else 0.0,
        high=float(beta.ppf(1 - tail, successes + 1, n - successes)) if successes < n else 1.0,
        confidence=confidence,
    )


def least_p(n: int, m: int | None = None) -> float:
    """The smallest two-sided p that n pairs, or samples of n and m, can give at all."""
    return 2 / 2**n if m is None else 2 / math.comb(n + m, n)


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """p-values adjusted for their number, by Holm (1979), in the order given."""
    adjusted = [1.0] * len(p_values)
    floor = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda at: p_values[at])):
        floor = max(floor, min(1.0, p_values[place] * (len(p_values) - rank)))
        adjusted[place] = floor
    return tuple(adjusted)


@cache
def signed_rank_counts(n: int) -> tuple[int, ...]:
    """In how many of the 2^n choices of signs the positive ranks sum up to 0, 1, ..., n(n+1)/2."""
    counts = [1]
    for rank in range(1, n + 1):
        longer = counts + [0] * rank
        counts = [here + (counts[at - rank] if at >= rank else 0) for at, here in enumerate(longer)]
    return tuple(counts)


@cache
def rank_sum_counts(n: int, m: int) -> tuple[int, ...]:
    """In how many of the orders of n and m values 0, 1, ..., n*m pairs have the second one first."""
    if n == 0 or m == 0:
        return (1,)
    counts = [0] * (n * m + 1)
    for at, count in enumerate(rank_sum_counts(n - 1, m)):
        counts[at + m] += count
    for at, count in enumerate(rank_sum_counts(n, m - 1)):
        counts[at] += count
    return tuple(counts)


@cache
def _rank_sum_tails(n: int, m: int) -> tuple[int, ...]:
    """In how many orders at least 0, 1, ..., n*m pairs have the second one first."""
    return tuple(itertools.accumulate(reversed(rank_sum_counts(n, m))))[::-1]


def _rank_sum_p(a: Sequence[float], b: Sequence[float]) -> float:
    """The two-sided exact p of Mann and Whitney. A tie counts half; half a pair left over is dropped."""
    ordered = sorted(b)
    twice = sum(bisect.bisect_left(ordered, value) + bisect.bisect_right(ordered, value) for value in a)
    pairs = len(a) * len(b)
    more = max(twice, 2 * pairs - twice) // 2
    return min(1.0, 2 * _rank_sum_tails(len(a), len(b))[more] / math.comb(len(a) + len(b), len(a)))


def _logs(values: Sequence[float]) -> list[float]:
    return [math.log(value) for value in values]


def _ratio(shift: Shift) -> Ratio:
    """Of a shift of logarithms."""
    return Ratio(
        estimate=math.exp(shift.estimate),
        low=None if shift.low is None else math.exp(shift.low),
        high=None if shift.high is None else math.exp(shift.high),
        confidence=shift.confidence,
        p_value=shift.p_value,
        n=shift.n,
    )


def _shift(
    ordered: Sequence[float], counts: Sequence[int], confidence: float, p_value: float, n: int
) -> Shift:
    bounds = _between(ordered, _tail_index(counts, confidence))
    return Shift(
        estimate=median(ordered),
        low=bounds.low if bounds else None,
        high=bounds.high if bounds else None,
        confidence=bounds.confidence if bounds else None,
        p_value=p_value,
        n=n,
    )


def _tail_index(counts: Sequence[int], confidence: float) -> tuple[int, float]:
    """How many of the ordered values each end may lose, and the confidence that is left.

    `counts` is the symmetric distribution of the test's statistic: losing k values on each side leaves
    1 - 2 P(statistic < k).
    """
    total, lost = sum(counts), 0
    for index, count in enumerate(counts):
        if 1 - 2 * (lost + count) / total < confidence:
            return index, 1 - 2 * lost / total
        lost += count
    raise AssertionError("a distribution has two tails")  # pragma: no cover


def _between(ordered: Sequence[float], lost: tuple[int, float]) -> Interval | None:
    index, reached = lost
    if index == 0:
        return None
    return Interval(low=ordered[index - 1], high=ordered[-index], confidence=reached)
