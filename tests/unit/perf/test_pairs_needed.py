"""How many pairs it takes: a rule that was written before, held against what really comes of it."""

import math
import random
import shutil
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from example_result import example

from cc_ci.cli.perf import perf
from cc_ci.perf.analysis.pairs_needed import FEWEST, POWER, noises, pairs_needed
from cc_ci.perf.analysis.statistics import least_p, shift_paired
from cc_ci.perf.baselines.measured_set import Set, newest, read
from cc_ci.perf.baselines.sets import Asked, Host, SetFacts, write_facts
from cc_ci.results.measured import Canary, Cell, Measured, compact, write

ROOT = Path(__file__).parents[3]
USUAL = Canary(cpu=1.0, untar=1.0, loaded=1.0)


def test_ten_pairs_can_not_show_five_per_cent_where_pairs_differ_by_seven() -> None:
    assert pairs_needed(0.07, 0.05) > 10
    assert pairs_needed(0.07, 0.2) == FEWEST
    assert pairs_needed(0.0, 0.05) == FEWEST


def test_fewer_than_the_fewest_can_show_nothing() -> None:
    assert least_p(FEWEST) <= 0.05 < least_p(FEWEST - 1)


@pytest.mark.parametrize("effect", [0.05, 0.1, 0.2])
def test_more_noise_a_smaller_effect_or_more_power_take_more_pairs(effect: float) -> None:
    counts = [pairs_needed(log_sd, effect) for log_sd in (0.01, 0.05, 0.1, 0.2)]
    assert counts == sorted(counts)
    assert pairs_needed(0.1, effect) >= pairs_needed(0.1, effect * 1.5)
    assert pairs_needed(0.1, effect, power=0.95) >= pairs_needed(0.1, effect)
    assert pairs_needed(0.1, effect, level=0.01) >= pairs_needed(0.1, effect)


@pytest.mark.parametrize(("log_sd", "effect"), [(0.07, 0.05), (0.1, 0.1)])
def test_so_many_pairs_find_the_effect_as_often_as_the_rule_says(log_sd: float, effect: float) -> None:
    draw = random.Random(f"{log_sd} {effect}")
    n, tries, found = pairs_needed(log_sd, effect), 200, 0
    for _ in range(tries):
        shifts = [draw.gauss(math.log1p(-effect), log_sd) for _ in range(n)]
        found += shift_paired([0.0] * n, shifts).p_value <= 0.05
    assert found / tries == pytest.approx(POWER, abs=0.09)


def a_set(root: Path, times: dict[int, float], **over: object) -> Path:
    """A set of one recipe, each run twice; run times by place."""
    made = root / "2026-01-01-2cpu-6g"
    asked = Asked(
        recipes=("app",),
        cold=0,
        warm=len(times) // 2,
        cpus=2.0,
        memory_bytes=6 << 30,
        bandwidth="100mbit",
        arms=("stock", "stock"),
    )
    host = Host(system="Debian", kernel="6", cpu_model="made up", cpus=2, memory_bytes=8 << 30)
    write_facts(SetFacts(asked=asked, host=host, began="2026-01-01", canaries=(USUAL,)), made)
    for place, seconds in times.items():
        result = msgspec.structs.replace(compact(example()), exit_code=0, total_seconds=seconds)
        run = Measured(cell=Cell(recipe="app", cache="warm"), place=place, boot="b", result=result)
        write(msgspec.structs.replace(run, **over), made)
    return made


def test_a_set_of_runs_that_are_made_twice_has_one_cell_and_a_pair_for_each_two(tmp_path: Path) -> None:
    measured = read(a_set(tmp_path, {1: 100.0, 2: 110.0, 3: 121.0, 4: 110.0}))
    assert measured.cells == (Cell(recipe="app", cache="warm"),)
    (found,) = noises(measured)
    assert found.ratios == pytest.approx((1.1, 1 / 1.1))
    assert found.log_sd == pytest.approx(math.log(1.1))
    assert found.apart == 0


def test_no_pair_is_of_two_boots_and_no_run_is_in_two(tmp_path: Path) -> None:
    folder = a_set(tmp_path, {1: 100.0, 2: 110.0, 3: 121.0, 4: 110.0})
    for one in read(folder).measured:
        write(msgspec.structs.replace(one, boot="first" if one.place == 1 else "second"), folder)
    (found,) = noises(read(folder))
    assert [(one.place, other.place) for one, other in found.pairs] == [(2, 3)]


def test_the_table_is_told_with_the_rule(tmp_path: Path) -> None:
    folder = a_set(tmp_path, {1: 100.0, 2: 107.0, 3: 107.0, 4: 100.0})
    done = CliRunner().invoke(perf, ["aa", "--set", str(folder)])
    assert done.exit_code == 0, done.output
    row = next(line.split() for line in done.stdout.splitlines() if line.startswith("app warm"))
    n = [str(pairs_needed(math.log(1.07), effect)) for effect in (0.05, 0.1, 0.2)]
    assert row == ["app", "warm", "2", "0.068", *n, "0"]
    assert "power of 80%" in done.stdout


def test_a_set_without_two_runs_of_a_cell_is_a_usage_error(tmp_path: Path) -> None:
    done = CliRunner().invoke(perf, ["aa", "--set", str(a_set(tmp_path, {1: 100.0, 3: 9.0}, void="canary"))])
    assert "no two runs of one cell and one boot count" in str(done.exception)


def planted() -> Set:
    return read(newest(ROOT / "benchmarks" / "planted"))


def test_real_runs_tell_how_many_pairs_they_take(tmp_path: Path) -> None:
    if not (ROOT / "benchmarks" / "planted").exists():
        pytest.skip("a tree without the benchmark's data")
    found = {str(one.cell): one for one in noises(planted())}
    assert len(found["pocket warm"].pairs) >= 3
    assert 0.0 < found["pocket warm"].log_sd < 0.2
    # the same of data that were written again: nothing but the set's files tells
    again = shutil.copytree(planted().folder, tmp_path / "again")
    assert {str(one.cell): one.log_sd for one in noises(read(again))} == {
        name: one.log_sd for name, one in found.items()
    }
