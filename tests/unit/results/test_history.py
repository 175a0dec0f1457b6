"""The index of runs: what it takes in, what it tells, and that it can always be made anew."""

import functools
import sqlite3
from pathlib import Path

import msgspec
import pytest
from example_result import example

from cc_ci.errors import UsageError
from cc_ci.results.history import FILE, History, Line
from cc_ci.results.schema import RunResult, StageResult, TestResult
from cc_ci.results.store import Store

STAGES = tuple(StageResult(name=name, outcome="passed") for name in ("install", "functional", "teardown"))


def result(run: str, *, started: float, outcome: str = "passed", **over: object) -> RunResult:
    tests = (TestResult(name="log in", outcome=outcome),)
    stages = (STAGES[0], msgspec.structs.replace(STAGES[1], tests=tests), STAGES[2])
    fields = {"stages": stages, "started_at": started, "exit_code": 0, "verdict": "green"}
    return msgspec.structs.replace(example(run), **{**fields, **over})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path)
    for number in range(4):
        made.write(result(f"run-{number}", started=100.0 + number, total_seconds=50.0 + number))
    return made


LINE = Line(
    recipe=example().recipe.name,
    profile=example().profile,
    cache=example().cache.asked,
    node="2 CPUs, 6 GiB",
    images="stand-in",
)


def test_trends_are_in_the_order_of_the_runs(store: Store) -> None:
    with History(store, say=pytest.fail) as index:
        assert index.refresh() == 4
        assert index.refresh() == 0
        points = index.trend(LINE)
        assert [(point.run, point.seconds) for point in points] == [
            ("run-0", 50.0), ("run-1", 51.0), ("run-2", 52.0), ("run-3", 53.0)
        ]  # fmt: skip
        assert index.trend(LINE, phase="images_pull")[0].seconds == pytest.approx(3.0)
        assert "converge" in index.phases(LINE)


def test_a_run_that_was_written_again_is_read_again(store: Store) -> None:
    with History(store, say=pytest.fail) as index:
        index.refresh()
        store.write(result("run-3", started=103.0, total_seconds=99.0))
        assert index.refresh() == 1
        assert index.trend(LINE)[-1].seconds == 99.0


def test_pruned_runs_stay_until_the_index_is_made_anew(store: Store) -> None:
    with History(store, say=pytest.fail) as index:
        index.refresh()
        store.prune(keep=1)
        index.refresh()
        assert len(index.trend(LINE)) == 4
        index.rebuild()
        assert len(index.trend(LINE)) == 1


def test_a_broken_file_is_named_and_left_out(store: Store) -> None:
    store.folder("bad").results.write_text("{}")
    said: list[str] = []
    with History(store, say=said.append) as index:
        assert index.refresh() == 4
    assert "bad" in said[0]


def test_a_broken_index_is_made_anew(store: Store) -> None:
    (store.root / FILE).write_text("no database")
    said: list[str] = []
    with History(store, say=said.append) as index:
        assert index.refresh() == 4
    (told,) = said
    assert told.startswith(f"{store.root / FILE}: file is not a database; made anew")
    assert (store.root / "history.sqlite.old").read_text() == "no database"


def test_an_index_of_other_tables_is_put_aside_with_the_runs_that_only_it_has(store: Store) -> None:
    with History(store, say=pytest.fail) as index:
        index.refresh()
    older = sqlite3.connect(store.root / FILE)
    older.execute("pragma user_version = 1")
    older.close()
    store.prune(keep=1)
    said: list[str] = []
    with History(store, say=said.append) as index:
        assert index.refresh() == 1
    assert "of version 1" in said[0]
    kept = sqlite3.connect(store.root / "history.sqlite.old")
    assert kept.execute("select count(*) from runs").fetchone() == (4,)
    kept.close()


def test_an_index_that_is_in_use_is_not_thrown_away(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with History(store, say=pytest.fail) as index:
        index.refresh()
    other = sqlite3.connect(store.root / FILE)
    other.execute("begin exclusive")
    at_once = functools.partial(sqlite3.connect, timeout=0)
    monkeypatch.setattr("cc_ci.results.history.sqlite3.connect", at_once)
    with pytest.raises(UsageError, match="locked; try again"), History(store, say=pytest.fail):
        pass
    other.close()
    assert (store.root / FILE).exists()


def test_another_cc_ci_does_not_make_a_test_flake(store: Store) -> None:
    store.write(result("red", started=200.0, outcome="failed", exit_code=1, cc_ci_version="99"))
    with History(store, say=pytest.fail) as index:
        index.refresh()
        assert index.flakes() == ()


def test_runs_of_one_stage_are_a_line_of_their_own(store: Store) -> None:
    store.write(result("part", started=200.0, stages=STAGES[1:]))
    with History(store, say=pytest.fail) as index:
        index.refresh()
        assert [(one.line.only, one.runs) for one in index.summaries()] == [("functional", 1), (None, 4)]


def test_runs_on_another_node_are_a_line_of_their_own(store: Store) -> None:
    larger = msgspec.structs.replace(example().environment, cpus=8.0)
    store.write(result("elsewhere", started=200.0, environment=larger))
    with History(store, say=pytest.fail) as index:
        index.refresh()
        assert [(one.line.node, one.runs) for one in index.summaries()] == [
            ("8 CPUs, 6 GiB", 1), ("2 CPUs, 6 GiB", 4)
        ]  # fmt: skip


def test_a_recipe_that_is_being_edited_does_not_flake(store: Store) -> None:
    edited = msgspec.structs.replace(example().recipe, dirty=True)
    store.write(result("edited", started=200.0, outcome="failed", exit_code=1, recipe=edited))
    with History(store, say=pytest.fail) as index:
        index.refresh()
        assert index.flakes() == ()


def test_a_test_that_was_both_green_and_red_flakes(store: Store) -> None:
    store.write(result("red", started=200.0, outcome="failed", exit_code=1, verdict="failed"))
    other = msgspec.structs.replace(example().recipe, suite_hash="another")
    store.write(result("moved", started=201.0, outcome="failed", exit_code=1, recipe=other))
    with History(store, say=pytest.fail) as index:
        index.refresh()
        (flake,) = index.flakes()
        assert (flake.test, flake.green, flake.red) == ("functional: log in", 4, 1)
        assert index.summaries()[0].last_verdict is not None
