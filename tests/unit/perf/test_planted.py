"""What was planted in real runs (benchmarks/planted.py) was found where it was, and nothing else was."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from cc_ci.cli.compare import compare as command
from cc_ci.perf.analysis.attribution import by_phase
from cc_ci.perf.analysis.comparison import Comparison, RunSample, Side, compare
from cc_ci.perf.baselines.measured_set import Set, newest, read
from cc_ci.perf.baselines.sets import missing
from cc_ci.results.measured import Cell

ROOT = Path(__file__).parents[3]
PLANTED = ROOT / "benchmarks" / "planted"
DELAYS = {"pocket-slow-10": 14.0, "pocket-slow-25": 35.0}
"""Seconds of sleep in the hook before the backup."""
ALIKE = 0.05
PLACE = "backup of backup"
TOLD = (ROOT / "docs" / "how-to" / "measure.md").read_text()


@pytest.fixture(scope="module")
def measured() -> Set:
    return read(newest(PLANTED))


def arm(measured: Set, recipe: str) -> Side:
    runs = measured.runs(Cell(recipe=recipe, cache="warm"))
    samples = tuple(RunSample(result=one.result, parts=one.parts) for one in runs if one.result)
    return Side(label=recipe, samples=samples)


def held(measured: Set, recipe: str) -> Comparison:
    return compare(arm(measured, "pocket"), arm(measured, recipe), paired=True)


def _row(found: Comparison, recipe: str) -> str:
    assert found.ratio is not None
    return f"| {recipe} | {found.ratio.estimate:.3f} ({found.ratio.low:.3f} to {found.ratio.high:.3f})"


def test_what_compare_says_is_beside_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    folder = newest(PLANTED).relative_to(ROOT)
    said = ""
    for copy in ("pocket-again", *DELAYS):
        said += CliRunner().invoke(command, [f"{folder}:pocket-warm", f"{folder}:{copy}-warm"]).stdout
    assert said == (folder / "compare.txt").read_text()


def test_all_pairs_were_measured(measured: Set) -> None:
    assert not missing(measured.facts.order, measured.measured)


def test_the_same_arm_twice_is_the_same(measured: Set) -> None:
    found = held(measured, "pocket-again")
    assert found.ratio is not None
    assert found.ratio.within(ALIKE)
    assert found.changed == ()
    assert _row(found, "pocket-again") in TOLD


@pytest.mark.parametrize(("recipe", "delay"), DELAYS.items())
def test_a_planted_delay_is_found_by_comparing(measured: Set, recipe: str, delay: float) -> None:
    found = held(measured, recipe)
    assert found.ratio is not None
    assert found.ratio.low is not None
    assert found.ratio.low > 1
    (only,) = found.changed
    assert str(only.where) == PLACE
    assert only.shift is not None
    assert only.shift.estimate == pytest.approx(delay, rel=0.05)
    assert f"{_row(found, recipe)} | {delay:g} s | {only.shift.estimate:.1f} s |" in TOLD


@pytest.mark.parametrize(("recipe", "delay"), DELAYS.items())
def test_a_planted_delay_is_found_by_attribution(measured: Set, recipe: str, delay: float) -> None:
    usual, slow = (
        {row.name: row.times.median for row in by_phase(measured.runs(Cell(recipe=name, cache="warm")))}
        for name in ("pocket", recipe)
    )
    grown = {phase: slow[phase] - usual.get(phase, 0.0) for phase in slow}
    assert max(grown, key=lambda phase: grown[phase]) == "backup"
    assert grown["backup"] == pytest.approx(delay, rel=0.05)
