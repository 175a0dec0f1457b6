"""`cc-ci history` as it is called."""

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from example_result import example

from cc_ci.cli.history import history, sparkline
from cc_ci.errors import UsageError
from cc_ci.results.store import Store
from cc_ci.timing.resources import Usage


def stored(root: Path, *, runs: int, slow_from: int, busy_from: int | None = None) -> None:
    (whole,) = example().resources
    busy = msgspec.structs.replace(whole, machine=Usage(cpu_seconds=100.0))
    for number in range(runs):
        seconds = (150.0 if number >= slow_from else 100.0) + number % 3
        store = Store(root)
        store.write(
            msgspec.structs.replace(
                example(f"run-{number:02}"), exit_code=0, verdict="green", total_seconds=seconds,
                started_at=1000.0 + number,
                resources=(whole if busy_from is None or number < busy_from else busy,),
            )
        )  # fmt: skip


def test_a_change_is_told_with_the_run_it_began_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC_CI_RUNS", str(tmp_path))
    stored(tmp_path, runs=20, slow_from=10)
    called = CliRunner().invoke(history, [example().recipe.name])
    assert called.exit_code == 0, called.output
    assert "whole run: slower by " in called.output
    assert "from run-10 on" in called.output
    listed = CliRunner().invoke(history, [])
    assert example().recipe.name in listed.output


def test_a_busy_host_is_told_to_programs_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC_CI_RUNS", str(tmp_path))
    stored(tmp_path, runs=20, slow_from=10, busy_from=10)
    rows = msgspec.json.decode(CliRunner().invoke(history, [example().recipe.name, "--json"]).output)
    (change,) = rows["trends"][0]["changes"]
    assert change["from"] == "run-10"
    assert change["of_the_host"] is True
    assert change["cpu_pressure"] == pytest.approx([0.005, 0.0033], abs=0.001)


def test_a_phase_that_is_none_is_refused() -> None:
    called = CliRunner().invoke(history, ["any", "--phase", "nonsense"])
    assert called.exit_code == 2
    assert "converge" in called.output


def test_a_recipe_that_never_ran_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC_CI_RUNS", str(tmp_path))
    called = CliRunner().invoke(history, ["nothing"])
    assert isinstance(called.exception, UsageError)
    assert "cc-ci run nothing" in str(called.exception)


def test_bars_go_from_the_least_to_the_most() -> None:
    assert sparkline([1, 2, 8]) == "▁▂█"
    assert sparkline([5, 5]) == "▁▁"
    assert sparkline([]) == ""
