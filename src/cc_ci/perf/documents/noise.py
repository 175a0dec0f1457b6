"""What equal runs differ by, and so how many pairs an experiment on each recipe takes."""

from collections.abc import Sequence

from cc_ci.perf.analysis.pairs_needed import EFFECTS, FEWEST, LEVEL, POWER, PairNoise
from cc_ci.perf.documents.tables import Table


def noise_table(found: Sequence[PairNoise]) -> Table:
    """A row for each cell that has pairs of equal runs."""
    return Table(
        title="Equal runs, and the pairs that an experiment takes",
        head=("recipe", "pairs", "log-sd", *(f"n for {effect:.0%}" for effect in EFFECTS), "runs between"),
        rows=tuple(_row(one) for one in found),
        note=(
            "log-sd: of the logarithms of a pair's ratio, about 0. n: pairs that show an effect of that size"
            f" with a power of {POWER:.0%} at the level {LEVEL:.0%}, two-sided, by a rule fixed before"
            f" (cc_ci/perf/analysis/pairs_needed.py), and never below {FEWEST}. `runs between` the two of"
            " a pair, at most: a machine drifts meanwhile, and 0 is what an experiment has."
        ),
    )


def _row(one: PairNoise) -> tuple[str, ...]:
    return (str(one.cell), str(len(one.ratios)), f"{one.log_sd:.3f}",
            *(str(one.needed(effect)) for effect in EFFECTS), str(one.apart))  # fmt: skip
