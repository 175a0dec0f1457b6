"""Exact intervals against published tables, another implementation, and simulated coverage."""

import itertools
import math
import random
from collections.abc import Callable, Iterator

import pytest
from scipy import stats

from cc_ci.errors import UsageError
from cc_ci.perf.analysis import statistics

# Hollander, Wolfe and Chicken, table of the signed-rank statistic, and Conover, table A3 for the median:
# (n, values lost on each side, confidence left)
MEDIAN_TABLE = [(6, 1, 0.96875), (8, 1, 0.9921875), (9, 2, 0.9609375), (10, 2, 0.978515625), (12, 3, 0.9614)]
SIGNED_RANK_TABLE = [(6, 1, 0.96875), (8, 4, 0.9609), (10, 9, 0.9512)]
# Mann-Whitney: two-sided 5 % critical values U (reject at or below), table of Mann and Whitney (1947)
CRITICAL_U = [(5, 5, 2), (6, 6, 5), (6, 8, 8), (8, 8, 13), (10, 10, 23)]


@pytest.mark.parametrize(("n", "lost", "confidence"), MEDIAN_TABLE)
def test_median_interval_as_in_the_table(n: int, lost: int, confidence: float) -> None:
    found = statistics.median_interval([float(value) for value in range(1, n + 1)])
    assert found is not None
    assert (found.low, found.high) == (lost, n + 1 - lost)
    assert found.confidence == pytest.approx(confidence, abs=1e-4)


def test_too_few_values_have_no_interval() -> None:
    assert statistics.median_interval([1.0, 2.0, 3.0, 4.0, 5.0]) is None
    ratio = statistics.hodges_lehmann_paired([1, 2, 3, 4, 5], [2, 3, 4, 5, 6])
    assert (ratio.low, ratio.high, ratio.confidence) == (None, None, None)
    assert ratio.p_value == pytest.approx(0.0625)


@pytest.mark.parametrize(("n", "lost", "confidence"), SIGNED_RANK_TABLE)
def test_signed_rank_interval_as_in_the_table(n: int, lost: int, confidence: float) -> None:
    rng = random.Random(n)
    a = [1.0] * n
    b = [math.exp(rng.gauss(0, 1)) for _ in range(n)]
    logs = [math.log(value) for value in b]
    walsh = sorted((logs[i] + logs[j]) / 2 for i in range(n) for j in range(i, n))
    ratio = statistics.hodges_lehmann_paired(a, b)
    assert ratio.confidence == pytest.approx(confidence, abs=1e-4)
    assert ratio.low == pytest.approx(math.exp(walsh[lost - 1]))
    assert ratio.high == pytest.approx(math.exp(walsh[-lost]))


@pytest.mark.parametrize(("n", "m", "critical"), CRITICAL_U)
def test_rank_sum_tail_as_in_the_table(n: int, m: int, critical: int) -> None:
    counts = statistics.rank_sum_counts(n, m)
    total = math.comb(n + m, n)
    assert sum(counts) == total
    assert 2 * sum(counts[: critical + 1]) / total <= 0.05
    assert 2 * sum(counts[: critical + 2]) / total > 0.05


def test_the_signed_rank_distribution_is_scipys() -> None:
    values = [0.3, -0.1, 0.7, 1.1, -0.2, 0.9, 0.4, 0.6]
    counts = statistics.signed_rank_counts(len(values))
    positive = 36 - 1 - 2  # the two smallest in size are the negative ones
    tail = 2 * sum(counts[positive:]) / 2 ** len(values)
    assert stats.wilcoxon(values, method="exact").pvalue == pytest.approx(tail)


@pytest.mark.parametrize("levels", [1000, 5])
def test_the_rank_sum_s_p_is_scipys_with_ties_or_without(levels: int) -> None:
    rng = random.Random(levels)
    for n, m in [(1, 1), (4, 7), (8, 8), (30, 30)] * 3:
        a, b = ([float(rng.randrange(levels)) for _ in range(size)] for size in (n, m))
        assert statistics.rank_p(a, b) == pytest.approx(stats.mannwhitneyu(a, b, method="exact").pvalue)


def test_an_interval_holds_one_just_where_the_test_does_not_refute() -> None:
    rng = random.Random(4)
    for _ in range(200):
        a = [math.exp(rng.gauss(0.0, 0.2)) for _ in range(8)]
        b = [math.exp(rng.gauss(0.2, 0.2)) for _ in range(8)]
        for ratio in (statistics.hodges_lehmann_paired(a, b), statistics.hodges_lehmann_unpaired(a, b)):
            assert ratio.low is not None
            assert ratio.high is not None
            assert (ratio.low <= 1 <= ratio.high) == (ratio.p_value > 0.05)


Draw = Callable[[random.Random], float]
LAWS: dict[str, tuple[Draw, float]] = {
    "normal": (lambda rng: rng.gauss(0, 0.1), 0.0),
    "skewed": (lambda rng: rng.expovariate(10), math.log(2) / 10),
    "two levels": (lambda rng: rng.uniform(0, 0.02) + (0.5 if rng.random() < 0.5 else 0), 0.26),
}
"""Of the noise in logs, with its median; the last is that of runs that jump by a whole interval."""
TRUE = 0.8
Pairs = tuple[list[float], list[float]]


def all_signs(n: int, draw: Draw, rng: random.Random) -> Iterator[Pairs]:
    """Every choice of signs of n differences, each as likely as another whatever the shape of the noise."""
    sizes = [draw(rng) - draw(rng) for _ in range(n)]
    for signs in itertools.product((-1, 1), repeat=n):
        yield [1.0] * n, [TRUE * math.exp(sign * size) for sign, size in zip(signs, sizes, strict=True)]


def all_halves(n: int, draw: Draw, rng: random.Random) -> Iterator[Pairs]:
    """Every choice of n of 2n values for the one arm, each as likely as another."""
    values = [draw(rng) for _ in range(2 * n)]
    for chosen in itertools.combinations(range(2 * n), n):
        rest = [at for at in range(2 * n) if at not in chosen]
        yield [math.exp(values[at]) for at in chosen], [TRUE * math.exp(values[at]) for at in rest]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(
    ("of", "choices", "n"),
    [
        (statistics.hodges_lehmann_paired, all_signs, 6),
        (statistics.hodges_lehmann_paired, all_signs, 8),
        (statistics.hodges_lehmann_unpaired, all_halves, 5),
    ],
)
def test_a_ratio_is_covered_exactly_as_often_as_is_said(
    of: Callable[[list[float], list[float]], statistics.Ratio],
    choices: Callable[[int, Draw, random.Random], Iterator[Pairs]],
    n: int,
    law: str,
) -> None:
    """By no simulation: where arms differ by a factor, all choices are tried, and so the share is exact."""
    ratios = [of(a, b) for a, b in choices(n, LAWS[law][0], random.Random(f"{law} {n}"))]
    covered = sum(
        one.low <= TRUE <= one.high for one in ratios if one.low is not None and one.high is not None
    )
    assert covered / len(ratios) == pytest.approx(ratios[0].confidence)


ROUNDS = 500


def is_covered_as_said(covered: int, said: float) -> None:
    """Neither less than what is said nor more: an interval that is too wide fails as well."""
    assert covered / ROUNDS == pytest.approx(said, abs=4 * math.sqrt(said * (1 - said) / ROUNDS))


@pytest.mark.parametrize("law", ["normal", "skewed"])
@pytest.mark.parametrize("n", [6, 8, 10])
def test_a_median_is_covered_as_often_as_is_said(n: int, law: str) -> None:
    rng, (draw, middle) = random.Random(f"{law} {n}"), LAWS[law]
    found = [statistics.median_interval([draw(rng) for _ in range(n)]) for _ in range(ROUNDS)]
    covered = sum(one.low <= middle <= one.high for one in found if one)
    assert found[0] is not None
    is_covered_as_said(covered, found[0].confidence)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5])
def test_a_proportion_is_covered_at_least_as_often_as_is_said(share: float) -> None:
    """By no simulation: each count's own probability. Counts jump, so that it is more often than is said."""
    n = 20
    covered = sum(
        float(stats.binom.pmf(count, n, share))
        for count in range(n + 1)
        if (found := statistics.proportion_interval(count, n)).low <= share <= found.high
    )
    assert 0.95 <= covered < 1


def test_estimates_are_the_planted_ratio() -> None:
    a = [100.0, 140.0, 90.0, 120.0, 105.0, 97.0]
    b = [value * 1.25 for value in a]
    assert statistics.hodges_lehmann_paired(a, b).estimate == pytest.approx(1.25)
    assert statistics.hodges_lehmann_unpaired(a, b).estimate == pytest.approx(1.25)


def test_shifts_are_in_the_values_own_unit_and_take_zeros() -> None:
    a = [0.0, 4.0, 1.0, 2.0, 3.0, 5.0, 6.0, 7.0]
    b = [value + 2.5 for value in a]
    for shift in (statistics.shift_paired(a, b), statistics.shift_unpaired(a, b)):
        assert shift.estimate == pytest.approx(2.5)
        assert shift.low is not None
        assert shift.high is not None
        assert shift.low <= 2.5 <= shift.high
    assert statistics.shift_paired(a, b).p_value == pytest.approx(2 / 2**8)


def test_equal_pairs_are_no_difference() -> None:
    ratio = statistics.hodges_lehmann_paired([1.0] * 6, [1.0] * 6)
    assert (ratio.estimate, ratio.low, ratio.high, ratio.p_value) == (1.0, 1.0, 1.0, 1.0)
    assert ratio.within(0.05)


def test_within_needs_the_whole_interval() -> None:
    a = [100.0, 100.5, 99.5, 101.0, 99.0, 100.2]
    assert statistics.hodges_lehmann_paired(a, [value * 1.04 for value in a]).within(0.05)
    assert not statistics.hodges_lehmann_paired(a, [value * 1.06 for value in a]).within(0.05)


def test_pairs_need_partners() -> None:
    with pytest.raises(UsageError, match="2 and 1"):
        statistics.hodges_lehmann_paired([1, 2], [1])


def test_holm_as_worked_by_hand() -> None:
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert statistics.holm([0.9, 0.8]) == (1.0, 1.0)


# Clopper and Pearson's own chart values, as in every table of them: 0 of 10 and 5 of 10
@pytest.mark.parametrize(
    ("successes", "low", "high"), [(0, 0.0, 0.3085), (5, 0.1871, 0.8129), (10, 0.6915, 1.0)]
)
def test_proportions_as_in_the_table(successes: int, low: float, high: float) -> None:
    found = statistics.proportion_interval(successes, 10)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)


def test_quartiles() -> None:
    assert statistics.spread([1, 2, 3, 4, 5]) == statistics.Spread(low=2, high=4)
    assert statistics.spread([7.0]) == statistics.Spread(low=7, high=7)
