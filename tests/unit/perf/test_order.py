"""The order of a baseline's runs."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from cc_ci.perf.baselines.order import interleaved
from cc_ci.results.measured import Cell

RECIPES = ["light", "heavy"]


@given(st.integers(1, 12), st.integers(1, 12))
def test_every_cell_has_its_runs(cold: int, warm: int) -> None:
    counts = Counter(interleaved(RECIPES, cold=cold, warm=warm))
    assert counts == {
        Cell(recipe=recipe, cache=cache): times
        for recipe in RECIPES
        for cache, times in (("cold", cold), ("warm", warm))
    }


@given(st.integers(2, 12), st.integers(2, 12))
def test_no_cell_is_done_with_long_before_another(cold: int, warm: int) -> None:
    order = interleaved(RECIPES, cold=cold, warm=warm)
    first_half = Counter(order[: len(order) // 2])
    for cell, times in Counter(order).items():
        assert abs(first_half[cell] - times / 2) <= 1.5


def test_two_profiles_are_pairs_in_abba() -> None:
    order = interleaved(["app"], cold=0, warm=4, arms=("bare", "stock"))
    assert [cell.arm for cell in order] == ["bare", "stock", "stock", "bare"] * 2
    assert str(order[0]) == "app warm bare"


def test_one_more_profile_is_beside_each_warm_run() -> None:
    order = [str(cell) for cell in interleaved(["app"], cold=1, warm=2, beside="bare")]
    assert order == ["app warm", "app warm bare", "app warm bare", "app warm", "app cold"]


def test_rounds_turn_round() -> None:
    order = [str(cell) for cell in interleaved(RECIPES, cold=2, warm=2)]
    assert order == [
        *("light cold", "light warm", "heavy cold", "heavy warm"),
        *("heavy warm", "heavy cold", "light warm", "light cold"),
    ]


def test_engines_are_side_by_side_and_every_second_round_is_backwards() -> None:
    order = interleaved(["app", "big"], cold=0, warm=2, engines=("a", "b", "c"))
    assert [f"{cell.recipe} {cell.engine}" for cell in order] == [
        *("app a", "app b", "app c", "big a", "big b", "big c"),
        *("big c", "big b", "big a", "app c", "app b", "app a"),
    ]
