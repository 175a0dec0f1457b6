"""docs/perf/limit.md: how far runs are from the least that they could take, and what lies between."""

from collections.abc import Iterator, Sequence

from cc_ci.perf.analysis.budgets import budgets
from cc_ci.perf.analysis.limit_causes import causes
from cc_ci.perf.analysis.limit_model import Terms
from cc_ci.perf.analysis.pairs import PairsFinding, findings
from cc_ci.perf.analysis.statistics import Ratio, median
from cc_ci.perf.analysis.targets import TARGETS, Target
from cc_ci.perf.baselines.measured_set import Set
from cc_ci.perf.documents.budgets import budgets_table
from cc_ci.perf.documents.tables import Table, markdown, seconds, times
from cc_ci.perf.documents.wording import joined, made_from
from cc_ci.results.measured import Cell
from cc_ci.system.units import Seconds

AROUND: Seconds = 0.5
"""Differences below this are left out of the tables."""
MEANING = """\
T is the time of a run as it is. L, the limit, is what the same work takes on plain containers with
nothing between: the longest of three chains, or all CPU seconds on the node's CPUs, or all bytes at the
disk's rate, whichever is most (`binds`), after the provider's boot and the pulls where there are any. A run
that brings its provider up, or pulls, beside other work may come below it by as much. The floor adds to L
what Swarm takes to make, update and remove services that do nothing; where the CPU binds, it has that time
meanwhile, and only the last removal adds to it. rho is T / L.
[Decision 0015](../decisions/0015-the-limit-is-a-run-on-plain-containers.md)
says why it is measured so. It is the least of these chains as they are planned:
[The terms of the limit](../reference/limit.md) says which legal plan would make each term less, and what
sets from before do not count.

- upgrade chain: boot old, seed old, stop upgrade, boot upgraded, act upgraded
- install chain: boot new, act functional or act sso, whichever is longer, seed new, backup; then overwrite,
  restore, stop restored, boot restored, act restored
- fresh chain: the install chain up to its backup, then a second deployment: boot fresh, restore fresh, boot
  fresh restored, act fresh

`old` and `new` are versions; `upgraded`, `restored` and `fresh` say on which data; `act` is what tests and
checks do; `overwrite` is what the restore has to undo. Terms are medians over the pairs, so that a chain's
median need not be the sum of theirs. Plain containers are not asked what is Swarm's alone: their runs lack
the generic checks of the stage install.
"""


def limits(measured: Set) -> str:
    """How far runs are from the least that they could take."""
    found = findings(measured)
    parts = ["# The limit: the least that the same work can take", made_from(measured), MEANING]
    parts += [_disk(measured), measured.note("limit.md"), _lacking(measured, found)]
    parts += [markdown(table) for table in limit_tables(found)]
    return joined(parts)


def _disk(measured: Set) -> str:
    rate = measured.facts.disk_rate
    return f"The disk took {rate / 1e6:.0f} MB/s when the set was begun." if rate else ""


def _lacking(measured: Set, found: Sequence[PairsFinding]) -> str:
    there = {one.recipe for one in found}
    lacking = [recipe for recipe in measured.facts.asked.recipes if recipe not in there]
    why = dict.fromkeys(measured.facts.lacking, " (images unreachable)")
    named = ", ".join(f"{recipe}{why.get(recipe, '')}" for recipe in lacking)
    return f"No pair of runs that count, and so no limit yet: {named}." if lacking else ""


def limit_tables(found: Sequence[PairsFinding]) -> Iterator[Table]:
    yield _summary(found)
    if any(one.knows_steps for one in found):
        # of sets that were measured before, budgets were fixed otherwise
        yield budgets_table(budgets(found))
    elif aims := tuple(row for target in TARGETS for row in _aims(target, found)):
        yield _targets(aims)
    for one in found:
        yield _terms(one)
        yield _causes(one)


def _summary(found: Sequence[PairsFinding]) -> Table:
    return Table(
        title="T, limit, floor and rho",
        head=("cell", "pairs", "T", "L", "binds", "floor", "rho = T / L", "interval", "L <= T"),
        rows=tuple(_row(one) for one in found),
        words=frozenset({0, 4, 7, 8}),
        note=(
            "T and L are medians over the pairs, seconds; where no cold run was made on plain containers, a"
            " cold limit is a warm one and the run's own pulls;"
            " rho is the paired Hodges-Lehmann ratio with its exact interval. The limit is measured with"
            " plain containers beside the runs, before and after in turn; the floor adds what Swarm takes to"
            " make, update and remove services that do nothing. What binds may differ from pair to pair. A"
            " pair is of the nearest two runs of one boot of the machine; what is left over is paired across"
            " boots."
        ),
    )


def _interval(rho: Ratio) -> str:
    return "n too small" if rho.low is None or rho.high is None else f"{times(rho.low)} to {times(rho.high)}"


def _cell(one: PairsFinding) -> str:
    return str(Cell(recipe=one.recipe, cache=one.cache, arm=one.arm))


def _row(one: PairsFinding) -> tuple[str, ...]:
    rho, across = one.rho, sum(pair.across for pair in one.pairs)
    return (
        _cell(one),
        f"{len(one.pairs)} ({across} across boots)" if across else str(len(one.pairs)),
        seconds(one.run),
        seconds(one.limit),
        ", ".join(dict.fromkeys(pair.bound.binds for pair in one.pairs)),
        "-" if one.floor is None else seconds(one.floor),
        times(rho.estimate) if rho else "-",
        _interval(rho) if rho else "-",
        "in each pair" if not one.refuted else f"not in {', '.join(pair.bare.name for pair in one.refuted)}",
    )


def _targets(rows: tuple[tuple[str, ...], ...]) -> Table:
    return Table(
        title="Targets",
        head=("class", "cell", "budget", "of the floor (pairs)", "floor now", "T", "T / budget"),
        rows=rows,
        words=frozenset({0, 1}),
        note=(
            "Fixed before any lever was built; [DECISIONS.md](../../DECISIONS.md) has how, and why. A budget"
            " stays while its floor, over six pairs or more, is within a tenth of that it was derived from."
        ),
    )


def _aims(target: Target, found: Sequence[PairsFinding]) -> Iterator[tuple[str, ...]]:
    for one in found:
        budget = target.budget(one.cache)
        if one.recipe == target.recipe and one.floor is not None:
            yield (
                target.of,
                f"{one.recipe} {one.cache}",
                f"{budget.seconds:g}",
                f"{budget.floor:g} ({budget.pairs})",
                seconds(one.floor),
                seconds(one.run),
                times(one.run / budget.seconds),
            )


def _terms(one: PairsFinding) -> Table:
    names = Terms.__struct_fields__[: Terms.__struct_fields__.index("pulls") + 1]
    values = {name: median(getattr(pair.terms, name) for pair in one.pairs) for name in names}
    bounds = {
        name: median(pair.bound.bounds[name] for pair in one.pairs) for name in one.pairs[0].bound.bounds
    }
    rows = [(name.replace("_", " "), seconds(value)) for name, value in values.items() if value]
    rows += [(f"= {name.lower()}", seconds(value)) for name, value in bounds.items() if value]
    return Table(
        title=f"{_cell(one)}: the terms of the limit",
        head=("term", "median s"),
        rows=tuple(rows),
    )


def _causes(one: PairsFinding) -> Table:
    """Of the pair whose run is the median one; none across two boots where there are others."""
    near = [pair for pair in one.pairs if not pair.across]
    ranked = sorted(near or one.pairs, key=lambda pair: pair.seconds)
    pair = ranked[(len(ranked) - 1) // 2]
    rows = tuple(
        (cause.name, seconds(cause.deployed), seconds(cause.limit), seconds(cause.deployed - cause.limit))
        for cause in causes(pair.deployed, pair.terms, pair.bound)
        if max(cause.deployed, cause.limit) >= AROUND
    )
    total = ("all", seconds(pair.seconds), seconds(pair.bound.seconds),
             seconds(pair.seconds - pair.bound.seconds))  # fmt: skip
    return Table(
        title=f"{_cell(one)}: what lies between the run and its limit",
        head=("cause", "in the run", "in the limit", "difference"),
        rows=(*rows, total),
        note=(
            f"Of one pair, the one with the median run: {pair.bare.name} and {pair.deployed.name}."
            f" The limit's column is of its longest chain, the {pair.bound.longest_chain};"
            " what CPU or disk take beyond that is L less that chain."
            f" Seconds; causes below {AROUND:g} s in both are left out."
        ),
    )
