"""A covariate that is fixed before a comparison takes a drifting host out of it, and no effect with it."""

import random
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from example_result import example

from cc_ci.cli.compare import compare as command
from cc_ci.errors import UsageError
from cc_ci.perf.analysis.comparison import RunSample, Side, compare
from cc_ci.perf.analysis.host_speed import at_one_speed, exponent, host_seconds
from cc_ci.results.measured import Canary, Cell, Measured, compact, write

PAIRS = 10
EFFECT = 1.06
FOLLOWS = 0.9


def canary(loaded: float | None) -> Canary:
    return Canary(cpu=1.0, untar=1.0, loaded=loaded)


def drifting(*, effect: float, seed: int = 1) -> tuple[list[float], list[float]]:
    """Twenty runs in turn, A and B, on a host that is at times 40 % slower; and the host's own times."""
    draw = random.Random(seed)
    hosts = [1.0 + 0.4 * draw.random() for _ in range(2 * PAIRS)]
    times = [
        100.0 * host**FOLLOWS * draw.gauss(1.0, 0.01) * (effect if at % 2 else 1.0)
        for at, host in enumerate(hosts)
    ]
    return times, hosts


def sides(times: list[float], hosts: list[float]) -> tuple[Side, Side]:
    samples = [
        RunSample(
            result=msgspec.structs.replace(compact(example()), total_seconds=seconds),
            parts=(),
            place=at,
            host=host,
        )
        for at, (seconds, host) in enumerate(zip(times, hosts, strict=True), start=1)
    ]
    return Side(label="A", samples=tuple(samples[::2])), Side(label="B", samples=tuple(samples[1::2]))


def test_an_effect_that_drift_hides_is_seen_at_one_speed() -> None:
    a, b = sides(*drifting(effect=EFFECT))
    raw = compare(a, b, paired=True).ratio
    even = compare(*at_one_speed(a, b, exponent=FOLLOWS), paired=True).ratio
    assert raw is not None
    assert raw.low is not None
    assert raw.high is not None
    assert raw.low < 1 < raw.high
    assert even is not None
    assert even.low is not None
    assert even.high is not None
    assert 1 < even.low < EFFECT < even.high
    assert even.high - even.low < (raw.high - raw.low) / 3


def test_where_there_is_none_it_makes_none() -> None:
    found = 0
    for seed in range(40):
        a, b = sides(*drifting(effect=1.0, seed=seed))
        ratio = compare(*at_one_speed(a, b, exponent=FOLLOWS), paired=True).ratio
        found += ratio is not None and ratio.p_value <= 0.05
    assert found <= 6, "about one in twenty is chance"


def test_the_times_are_as_at_the_median_speed_and_phases_stay() -> None:
    a, b = sides([100.0, 200.0, 100.0, 200.0], [1.0, 2.0, 1.0, 2.0])
    one, other = at_one_speed(a, b, exponent=1.0)
    assert one.totals == other.totals == (150.0, 150.0)
    assert [sample.parts for sample in one.samples] == [sample.parts for sample in a.samples]
    assert at_one_speed(a, b, exponent=0.0) == (a, b)


def runs(times: list[float], hosts: list[float]) -> list[Measured]:
    return [
        Measured(
            cell=Cell(recipe="app", cache="warm"),
            place=at,
            canary_before=canary(host),
            canary_after=canary(host),
            result=msgspec.structs.replace(compact(example()), exit_code=0, total_seconds=seconds),
        )
        for at, (seconds, host) in enumerate(zip(times, hosts, strict=True), start=1)
    ]


def test_the_power_comes_of_equal_runs_and_is_none_where_the_host_did_not_change() -> None:
    equal = runs(*drifting(effect=1.0))
    pairs = list(zip(equal[::2], equal[1::2], strict=True))
    assert exponent(pairs) == pytest.approx(FOLLOWS, abs=0.1)
    assert exponent(list(zip(*[iter(runs([1.0, 2.0], [1.0, 1.0]))] * 2, strict=True))) is None
    assert exponent(list(zip(*[iter(runs([1.0, 9.0], [1.0, 2.0]))] * 2, strict=True))) == 1.0


def test_a_run_of_an_older_set_has_no_covariate_and_is_not_guessed() -> None:
    (one,) = runs([1.0], [1.0])
    older = msgspec.structs.replace(one, canary_after=Canary(cpu=1.0, untar=1.0))
    assert (host_seconds(one), host_seconds(older)) == (1.0, None)
    a, b = sides([1.0, 2.0], [1.0, 1.0])
    unknown = msgspec.structs.replace(b, samples=(msgspec.structs.replace(b.samples[0], host=None),))
    with pytest.raises(UsageError, match="B: place 2 has no canary on all CPUs"):
        at_one_speed(a, unknown, exponent=1.0)


def test_it_is_told_beside_the_raw_ratio_and_only_when_asked_for(tmp_path: Path) -> None:
    times, hosts = drifting(effect=EFFECT)
    for name, chosen in (("a", slice(None, None, 2)), ("b", slice(1, None, 2))):
        for one in runs(times[chosen], hosts[chosen]):
            write(one, tmp_path / name)
    both = [str(tmp_path / name) for name in ("a", "b")]
    plain = CliRunner().invoke(command, both).stdout
    told = CliRunner().invoke(command, [*both, "--covariate", "0.9"]).stdout
    assert "at one speed of the host" not in plain
    assert told.startswith(plain)
    assert "at one speed of the host (canary to the power 0.9), " in told
