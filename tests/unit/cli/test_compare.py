"""`cc-ci compare` as it is called."""

import os
import shutil
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from example_result import example

from cc_ci.cli.compare import compare
from cc_ci.errors import UsageError
from cc_ci.perf.baselines.sets import FACTS
from cc_ci.results.measured import Cell, Measured, compact, parts, write
from cc_ci.results.schema import RecipeUnderTest, RunResult, StageResult, TestResult
from cc_ci.results.store import Store


def green(run: str = "one", **over: object) -> RunResult:
    return msgspec.structs.replace(example(run), exit_code=0, **over)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("CC_CI_RUNS", str(tmp_path / "runs"))
    return Store()


def test_runs_are_found_by_id_and_by_file(store: Store) -> None:
    first = store.write(green("one-1"))
    store.write(green("two-2", total_seconds=99.0))
    called = CliRunner().invoke(compare, [str(first.results), "two"])
    assert called.exit_code == 0, called.output
    assert "B took 99 s" in called.output
    assert "outcomes: the same" in called.output


def test_a_measured_run_is_told_where_its_spans_are(tmp_path: Path) -> None:
    cell = Cell(recipe="app", cache="warm")
    file = write(Measured(cell=cell, place=1, result=compact(green()), parts=parts(green())), tmp_path)
    (tmp_path / FACTS).write_text("{}")
    with pytest.raises(UsageError, match=r"kept without their spans; .*traces has one with all"):
        CliRunner().invoke(compare, [str(file), str(file)], catch_exceptions=False)


def test_a_cell_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    cell = Cell(recipe="app", cache="warm")
    write(Measured(cell=cell, place=1, result=compact(green()), parts=parts(green())), tmp_path)
    with pytest.raises(UsageError, match=r"there are app-warm"):
        CliRunner().invoke(compare, [f"{tmp_path}:app-cold", str(tmp_path)], catch_exceptions=False)


def test_a_test_that_was_lost_ends_in_1(store: Store) -> None:
    stages = tuple(
        msgspec.structs.replace(
            stage, tests=tuple(msgspec.structs.replace(test, outcome="failed") for test in stage.tests)
        )
        for stage in green().stages
    )
    store.write(green("one-1"))
    store.write(green("two-2", stages=stages))
    called = CliRunner().invoke(compare, ["one", "two"])
    assert called.exit_code == 1
    assert "passed in A, failed in B" in called.output


def test_a_stage_that_was_lost_before_any_test_ends_in_1(store: Store) -> None:
    stages = tuple(
        StageResult(name="install", outcome="failed", reason="app never became healthy", blame="recipe")
        if stage.name == "install" else stage for stage in green().stages
    )  # fmt: skip
    store.write(green("one-1"))
    store.write(msgspec.structs.replace(example("two-2"), stages=stages, exit_code=1, total_seconds=2.0))
    called = CliRunner().invoke(compare, ["one", "two"])
    assert called.exit_code == 1
    assert "install: passed in A, failed in B" in called.output
    assert "B has no green run, so that there is no time to compare" in called.output
    assert "not the same" not in called.output
    (row,) = msgspec.json.decode(CliRunner().invoke(compare, ["one", "two", "--json"]).stdout)["comparisons"]
    assert {"name": "install", "a": "passed", "b": "failed", "lost": True} in row["outcomes"]


def test_names_of_tests_are_told_as_they_are(store: Store) -> None:
    def with_test(run: str, outcome: str) -> RunResult:
        test = TestResult(id="test_page[/login]", outcome=outcome, reason="[redacted] refused")
        return green(run, stages=(StageResult(name="functional", outcome="passed", tests=(test,)),))

    store.write(with_test("one-1", "passed"))
    store.write(with_test("two-2", "failed"))
    called = CliRunner().invoke(compare, ["one", "two"])
    assert called.exit_code == 1, called.exception
    assert "functional: test_page[/login]: passed in A, failed in B" in called.output


def test_a_run_that_never_ended_is_no_time(store: Store) -> None:
    store.write(green("one-1"))
    killed = msgspec.structs.replace(example("two-2"), verdict=None, exit_code=None, state="running")
    store.write(killed)
    called = CliRunner().invoke(compare, ["one", "two"])
    assert "never ended in B" in called.output
    assert "no time to compare" in called.output


def test_sets_are_compared_cell_by_cell(tmp_path: Path) -> None:
    for name in ("before", "after"):
        for place, cache in enumerate(("cold", "warm", "cold", "warm"), start=1):
            cell = Cell(recipe="app", cache=cache)
            measured = Measured(cell=cell, place=place, result=compact(green()), parts=parts(green()))
            write(measured, tmp_path / name)
    called = CliRunner().invoke(compare, [str(tmp_path / "before"), str(tmp_path / "after"), "--json"])
    rows = msgspec.json.decode(called.output)["comparisons"]
    assert [row["a"].rpartition(":")[2] for row in rows] == ["app-cold", "app-warm"]
    cells = [f"{tmp_path}/before:app-cold", f"{tmp_path}/before:app-warm"]
    (row,) = msgspec.json.decode(CliRunner().invoke(compare, [*cells, "--json"]).output)["comparisons"]
    assert row["paired"] is True


def test_a_cell_that_is_red_now_is_no_cell_that_is_gone(tmp_path: Path) -> None:
    cell, other = Cell(recipe="app", cache="warm"), Cell(recipe="gone", cache="warm")
    stages = tuple(
        msgspec.structs.replace(
            stage, tests=tuple(msgspec.structs.replace(test, outcome="failed") for test in stage.tests)
        )
        for stage in green().stages
    )
    red = compact(msgspec.structs.replace(green(stages=stages), exit_code=1))
    write(Measured(cell=cell, place=1, result=compact(green())), tmp_path / "before")
    write(Measured(cell=other, place=2, result=compact(green())), tmp_path / "before")
    write(Measured(cell=cell, place=1, result=red), tmp_path / "after")
    write(Measured(cell=Cell(recipe="new", cache="warm"), place=2, result=red), tmp_path / "after")
    called = CliRunner().invoke(compare, [str(tmp_path / "before"), str(tmp_path / "after")])
    assert called.exit_code == 1
    assert "passed in A, failed in B" in called.output
    assert "gone warm: only in" in called.stderr


def test_a_run_is_compared_with_one_cell_of_a_set(tmp_path: Path, store: Store) -> None:
    store.write(green("one-1"))
    for place, cache in enumerate(("cold", "warm"), start=1):
        measured = Measured(cell=Cell(recipe="app", cache=cache), place=place, result=green())
        write(measured, tmp_path / "set")
    called = CliRunner().invoke(compare, ["one", str(tmp_path / "set")])
    assert isinstance(called.exception, UsageError)
    assert "name one cell of it, SET:CELL, of app-cold, app-warm" in str(called.exception)
    for order in (["one", f"{tmp_path / 'set'}:app-warm"], [f"{tmp_path / 'set'}:app-warm", "one"]):
        called = CliRunner().invoke(compare, [*order, "--json"])
        (row,) = msgspec.json.decode(called.stdout)["comparisons"]
        assert {row["a"], row["b"]} == {"one-1", f"{tmp_path / 'set'}:app-warm"}


def test_without_names_the_latest_is_held_against_the_last_green_one_of_its_kind(store: Store) -> None:
    other = msgspec.structs.replace(green("n8n-1"), recipe=RecipeUnderTest(name="n8n"))
    lost = msgspec.structs.replace(green("app-3"), verdict="failed", exit_code=1)
    for at, result in enumerate((green("app-1"), green("app-2"), other, lost)):
        store.write(result)
        os.utime(store.root / result.run / "results.json", (at, at))
    called = CliRunner().invoke(compare, ["--json"])
    (row,) = msgspec.json.decode(called.stdout)["comparisons"]
    assert (row["a"], row["b"]) == ("app-2", "app-3")
    shutil.rmtree(store.root / "app-1")
    shutil.rmtree(store.root / "app-2")
    called = CliRunner().invoke(compare, [])
    assert "no green run of the latest one's kind" in str(called.exception)
