"""Budgets are near the limit, and those that DECISIONS.md tells."""

from pathlib import Path

import pytest

from cc_ci.perf.analysis.pairs import findings
from cc_ci.perf.analysis.targets import MARGIN, STEP, TARGETS, derived
from cc_ci.perf.baselines.measured_set import read
from cc_ci.results.measured import Cache

ROOT = Path(__file__).parents[3]
FIRST = ROOT / "baselines" / "2026-11-24-2cpu-6g-2"
"""The set of the engine that these budgets are of; those of later sets are derived by `budgets`."""
CACHES: tuple[Cache, ...] = ("warm", "cold")
DRIFT = 0.1
"""By which a floor may have moved since the budget was fixed, and by which it is fixed anew when it has."""
ENOUGH = 3
"""Pairs that have one in their middle; of fewer any may be the one that gives the budget."""


def test_a_budget_is_the_floor_with_its_margin_in_whole_steps() -> None:
    assert derived(100.0) == 100.0 * MARGIN
    assert derived(100.1) == 100.0 * MARGIN + STEP


def test_budgets_are_near_the_floor_that_was_measured() -> None:
    budgets = {(one.recipe, cache): one.budget(cache).seconds for one in TARGETS for cache in CACHES}
    for one in findings(read(FIRST)):
        if (budget := budgets.get((one.recipe, one.cache))) is not None:
            floors = [one.floor] if len(one.pairs) >= ENOUGH else [pair.floor for pair in one.pairs]
            near = [derived(floor) for floor in floors if floor is not None]
            assert pytest.approx(budget, rel=DRIFT) in near, f"{one.recipe} {one.cache}: {near}"
            assert budget < one.run / 2, "a target near the baseline is none"


def test_the_decision_and_the_code_have_the_same_budgets() -> None:
    told = (ROOT / "DECISIONS.md").read_text()
    for one in TARGETS:
        warm, cold = (
            f"{budget.seconds:g} | {budget.floor:g} ({budget.pairs})" for budget in (one.warm, one.cold)
        )
        assert f"| {one.of} | {one.recipe} | {warm} | {cold} |" in told
