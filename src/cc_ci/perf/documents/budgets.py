"""The budgets that follow from a set, as a table."""

from collections.abc import Sequence

from cc_ci.perf.analysis.budgets import MARGIN, DerivedBudget
from cc_ci.perf.analysis.targets import TARGETS
from cc_ci.perf.documents.tables import Table, seconds, times

NOTHING = "-"


def budgets_table(found: Sequence[DerivedBudget]) -> Table:
    """A row for each recipe, cache state and shape; for each arm its time, and that over the budget."""
    arms = tuple(dict.fromkeys(arm for one in found for arm in one.runs))
    return Table(
        title="Budgets",
        head=("class", "cell", "shape", "pairs", "limit", "floor", "budget",
              *(head for arm in arms for head in (f"T, {arm}", "over budget"))),
        rows=tuple(_row(one, arms) for one in found),
        words=frozenset({0, 1, 2}),
        note=(
            f"Seconds: {MARGIN:g} times the floor, in whole seconds. The shape is the plan's: chains3"
            " upgrades, installs, and restores on a fresh deployment; chains2 restores the upgraded app's"
            " backup over the installed one. Terms are in docs/reference/limit.md."
        ),
    )  # fmt: skip


def _row(one: DerivedBudget, arms: Sequence[str]) -> tuple[str, ...]:
    known = next((target.of for target in TARGETS if target.recipe == one.recipe), NOTHING)
    told = [one.runs.get(arm) for arm in arms]
    held = [(seconds(run), times(run / one.seconds)) if run else (NOTHING, NOTHING) for run in told]
    return (known, f"{one.recipe} {one.cache}", one.shape, str(one.pairs), seconds(one.limit),
            seconds(one.floor), f"{one.seconds:g}", *(word for pair in held for word in pair))  # fmt: skip
