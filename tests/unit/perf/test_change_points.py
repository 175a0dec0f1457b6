"""Changes of level are found where they are, and a busy host is not held against the recipe."""

import random

import pytest

from cc_ci.perf.analysis.change_points import change_points


def series(*levels: tuple[int, float], seed: int = 1) -> list[float]:
    rng = random.Random(seed)
    return [rng.gauss(level, 0.03 * level) for count, level in levels for _ in range(count)]


def test_a_change_of_level_is_found_at_its_run() -> None:
    (found,) = change_points(series((12, 100.0), (10, 120.0)))
    assert found.index == 12
    assert found.ratio is not None
    assert found.ratio.estimate == pytest.approx(1.2, abs=0.05)
    assert found.ratio.low is not None
    assert found.ratio.low > 1
    assert not found.of_the_host


def test_two_changes_have_the_ratio_of_their_neighbours() -> None:
    found = change_points(series((12, 100.0), (12, 150.0), (12, 75.0)))
    assert [one.index for one in found] == [12, 24]
    assert [one.ratio and round(one.ratio.estimate, 1) for one in found] == [1.5, 0.5]


def test_noise_has_no_change_in_almost_all_series() -> None:
    told = sum(bool(change_points(series((30, 100.0), seed=seed))) for seed in range(200))
    # p is bounded at 1 % by counting every split as a test of its own
    assert told <= 6


def test_a_busy_host_is_named_as_the_cause() -> None:
    others = [0.05] * 12 + [0.40] * 10
    (found,) = change_points(series((12, 100.0), (10, 130.0)), others)
    assert found.others == (0.05, 0.40)
    assert found.of_the_host


def test_a_calmer_host_does_not_excuse_a_slower_recipe() -> None:
    others = [0.40] * 12 + [0.05] * 10
    (found,) = change_points(series((12, 100.0), (10, 130.0)), others)
    assert not found.of_the_host


def test_a_phase_that_appears_is_a_change_without_a_ratio() -> None:
    (found,) = change_points([0.0] * 12 + series((10, 20.0)))
    assert (found.index, found.ratio) == (12, None)
    assert found.shift.estimate == pytest.approx(20, abs=2)


def test_a_long_history_is_told_from_what_lies_near() -> None:
    (found,) = change_points(series((300, 100.0), (200, 110.0)))
    assert abs(found.index - 300) <= 5
    assert found.ratio is not None
    assert found.ratio.n == 30


def test_few_runs_have_no_change() -> None:
    assert change_points([100.0] * 4 + [200.0] * 4) == ()
    assert change_points([]) == ()
