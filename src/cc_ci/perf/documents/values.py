"""What the tables say, as values for programs: seconds, shares of one, None where nothing is known."""

from collections.abc import Sequence
from typing import Any

from cc_ci.perf.analysis import attribution
from cc_ci.perf.analysis.attribution import Row, SavingBound, Times
from cc_ci.perf.analysis.pairs import Pair, PairsFinding
from cc_ci.perf.analysis.waits import waits
from cc_ci.perf.baselines.measured_set import Set
from cc_ci.results.measured import Cell, Measured


def attribution_values(measured: Set, cell: Cell, runs: Sequence[Measured]) -> dict[str, Any]:
    """One cell: whole runs, stages, phases and spans of the path, waits, levers, and what phases lacked."""
    return {
        "cell": cell,
        "seconds": _times(attribution.totals(runs)),
        "stages": _rows(attribution.by_stage(runs)),
        "phases": _rows(attribution.by_phase(runs)),
        "path": _rows(attribution.by_part(runs)),
        "waits": [
            {"for": one.name, "seconds": _times(one.times), "at_most": one.at_most,
             "after_true": one.after and _times(one.after)}
            for one in waits(runs)
        ],
        "levers": [_lever(one) for one in attribution.saving_bounds(runs, measured.trace(cell))],
        "pressed": attribution.pressed(runs, cpus=measured.facts.asked.cpus),
    }  # fmt: skip


def limit_values(found: Sequence[PairsFinding]) -> list[dict[str, Any]]:
    """By cell: every pair, medians of the deployed run, limit and floor, and rho with its interval."""
    return [
        {"recipe": one.recipe, "cache": one.cache, "arm": one.arm, "run": one.run, "limit": one.limit,
         "floor": one.floor, "rho": one.rho, "pairs": [_pair(pair) for pair in one.pairs]}
        for one in found
    ]  # fmt: skip


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        "bare": pair.bare.name,
        "deployed": pair.deployed.name,
        "run": pair.seconds,
        "limit": pair.bound.seconds,
        "binds": pair.bound.binds,
        "floor": pair.floor,
        "holds": pair.holds,
        "terms": pair.terms,
    }


def _lever(bound: SavingBound) -> dict[str, Any]:
    return {
        "lever": bound.saving.name,
        "built": bound.saving.built,
        "idea": bound.saving.idea,
        "at_most": _times(bound.times),
        "traced": bound.traced,
    }


def _rows(rows: Sequence[Row]) -> dict[str, Any]:
    return {row.name: _times(row.times) for row in rows}


def _times(times: Times) -> dict[str, Any]:
    return {"values": times.values, "median": times.median, "interval": times.interval}
