"""Times as they would be on a host of one speed: by a covariate that is fixed before a comparison. Pure.

The covariate is the canary's time on all CPUs and the memory, before and after a run, and never what the run
itself used: that would take the effect out with the noise. A time is divided by the covariate to a power. The
power comes from equal runs, before anything is compared: of work that only computes it is 1, of waits 0.
"""

import math
from collections.abc import Sequence

import msgspec

from cc_ci.errors import UsageError
from cc_ci.perf.analysis.comparison import RunSample, Side
from cc_ci.perf.analysis.statistics import median
from cc_ci.results.measured import Measured
from cc_ci.system.units import Seconds


def host_seconds(run: Measured) -> Seconds | None:
    """The covariate: the canary's, the mean of before and after; None where one of them has none."""
    seen = [canary.loaded for canary in (run.canary_before, run.canary_after) if canary]
    known = [value for value in seen if value is not None]
    return sum(known) / 2 if len(known) == 2 else None  # noqa: PLR2004 - before and after


def at_one_speed(a: Side, b: Side, *, exponent: float) -> tuple[Side, Side]:
    """Both sides with whole times as at the median speed of all their runs; phases stay as they were.

    Raises UsageError for a run without the covariate.
    """
    usual = median(_host(one, side) for side in (a, b) for one in side.samples)
    return _scaled(a, usual, exponent), _scaled(b, usual, exponent)


def _host(sample: RunSample, side: Side) -> Seconds:
    if sample.host is None:
        raise UsageError(
            f"{side.label}: place {sample.place} has no canary on all CPUs, as sets from before have none;"
            " compare without --covariate"
        )
    return sample.host


def _scaled(side: Side, usual: Seconds, exponent: float) -> Side:
    return msgspec.structs.replace(
        side, samples=tuple(_at(one, (_host(one, side) / usual) ** exponent) for one in side.samples)
    )


def _at(sample: RunSample, times: float) -> RunSample:
    result = msgspec.structs.replace(sample.result, total_seconds=sample.result.total_seconds / times)
    return msgspec.structs.replace(sample, result=result)


def exponent(pairs: Sequence[tuple[Measured, Measured]]) -> float | None:
    """The power by which pairs of equal runs follow the host, by least squares, from 0 to 1.

    None where the host was the same in all of them, or is not known.
    """
    steps = [step for one, other in pairs if (step := _step(one, other))]
    spread = sum(host * host for host, _ in steps)
    if not spread:
        return None
    return min(1.0, max(0.0, sum(host * time for host, time in steps) / spread))


def _step(one: Measured, other: Measured) -> tuple[float, float] | None:
    """By how much host and time differ, in logarithms."""
    before, after = host_seconds(one), host_seconds(other)
    if not before or not after or not one.result or not other.result:
        return None
    return math.log(after / before), math.log(other.result.total_seconds / one.result.total_seconds)
