"""The index of runs: what it takes in, what it tells, and that it can always be made anew."""

import functools
import sqlite3
from pathlib import Path

import msgspec
import pytest
from example_result import example

from cc_ci.errors import UsageError
from cc_ci.levers.arms import choose, digest
from cc_ci.results.history import FILE, History, Line
from cc_ci.results.schema import Environment, Harness, RunResult, StageResult, TestResult
from cc_ci.results.store import Store
from cc_ci.timing.resources import SpanResources, Usage
from cc_ci.timing.spans import Span

STAGES = tuple(StageResult(name=name, outcome="passed") for name in ("install", "functional", "teardown"))


def result(run: str, *, started: float, outcome: str = "passed", **over: object) -> RunResult:
    tests = (TestResult(id="log in", outcome=outcome),)
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
    arm=str(example().arm),
    digest=example().arm.digest,
    cache=example().cache.asked,
    node="2 CPUs, 6 GiB",
    images="stand-in",
    engine="20.10.24, containerd 1.6.20, runc 1.1.5, overlay2, cgroup v1",
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


TABLE_3 = """
create table runs (
    run text primary key, changed integer, cc_ci text, recipe text, version text, commit_ text, suite text,
    profile text, cache text, only text, variant text, driver text, node text, images text,
    dirty integer, started real, verdict text, exit_code integer,
    seconds real, cpu_pressure real, io_pressure real, others_cpus real
);
create table phases (run text, stage text, phase text, seconds real);
create table tests (run text, stage text, name text, outcome text);
insert into runs (run, changed, recipe, profile, driver, cache, started, verdict, exit_code, seconds) values
    ('a', 1, 'app', 'stock', null, 'warm', 1.0, 'green', 0, 5.0),
    ('b', 1, 'app', 'stock', 'abra', 'warm', 2.0, 'green', 0, 6.0),
    ('c', 1, 'app', 'bare', 'bare', 'warm', 3.0, 'green', 0, 1.0);
pragma user_version = 3;
"""


def test_an_index_from_before_arms_keeps_its_runs_each_in_the_line_of_its_arm(tmp_path: Path) -> None:
    older = sqlite3.connect(tmp_path / FILE)
    older.executescript(TABLE_3)
    older.close()
    with History(Store(tmp_path), say=pytest.fail) as index:
        lines = {(one.line.arm, one.line.digest): one.runs for one in index.summaries()}
    expected = {
        ("stock", digest({})),
        ("stock deploy.driver=abra", digest({"deploy.driver": "abra"})),
        ("bare", "8f4e5345"),  # looks did not slacken then: another arm
    }
    assert lines == dict.fromkeys(expected, 1)


def test_two_arms_are_two_lines(store: Store) -> None:
    store.write(result("quick", started=300.0, arm=choose("stock", ["health.interval=1"]).arm))
    changed = msgspec.structs.replace(example().arm, digest="another")
    store.write(result("changed", started=301.0, arm=changed))
    with History(store, say=pytest.fail) as index:
        index.refresh()
        assert [(one.line.digest == "another", one.runs) for one in index.summaries()] == [
            (True, 1), (False, 1), (False, 4)
        ]  # fmt: skip


def test_two_that_find_no_index_make_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with History(store, say=pytest.fail) as first:
        first.refresh()
        # the second looked before the first had made its tables
        monkeypatch.setattr("cc_ci.results.history_file._version", lambda _db: 0)
        with History(store, say=pytest.fail) as second:
            assert second.refresh() == 0
            assert len(second.trend(LINE)) == 4


def test_an_index_that_is_in_use_is_not_thrown_away(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with History(store, say=pytest.fail) as index:
        index.refresh()
    other = sqlite3.connect(store.root / FILE)
    other.execute("begin exclusive")
    at_once = functools.partial(sqlite3.connect, timeout=0)
    monkeypatch.setattr("cc_ci.results.history_file.sqlite3.connect", at_once)
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


def test_a_stage_that_needs_another_is_still_one_stage(store: Store) -> None:
    stages = tuple(StageResult(name=name, outcome="passed") for name in ("backup", "restore", "teardown"))
    store.write(result("part", started=200.0, stages=stages))
    with History(store, say=pytest.fail) as index:
        index.refresh()
        assert [one.line.only for one in index.summaries()] == ["restore", None]


def test_runs_of_another_variant_or_driver_are_lines_of_their_own(store: Store) -> None:
    recipe = msgspec.structs.replace(example().recipe, variant=("compose.yml", "compose.sso.yml"))
    store.write(result("variant", started=200.0, recipe=recipe))
    store.write(result("abra", started=201.0, arm=choose("stock", ["deploy.driver=abra"]).arm))
    store.write(result("usual", started=202.0, arm=choose().arm))
    with History(store, say=pytest.fail) as index:
        index.refresh()
        assert [(one.line.variant, one.line.arm, one.runs) for one in index.summaries()] == [
            (None, "stock", 5), (None, "stock deploy.driver=abra", 1),
            ("compose.yml compose.sso.yml", "stock", 1)
        ]  # fmt: skip
        assert "custom-html cold stock deploy.driver=abra" in str(index.summaries()[1].line)


def test_what_the_run_itself_computes_beside_its_stack_is_not_others(store: Store) -> None:
    def used(span: int | None, seconds: float) -> SpanResources:
        mine = Usage(cpu_seconds=0.0)
        return SpanResources(span=span, stack=mine, engine=mine, machine=Usage(cpu_seconds=seconds))

    spans = (
        Span(id=1, name="functional: test", start=0.0, end=40.0),
        Span(id=2, name="suite", start=0.0, end=40.0, parent=1, phase="test"),
        Span(id=3, name="browser", start=10.0, end=30.0, parent=2, phase="test"),
    )
    resources = (used(None, 45.0), used(1, 40.0), used(2, 40.0), used(3, 20.0))
    store.write(
        result("busy", started=200.0, spans=spans, resources=resources, total_seconds=50.0,
               harness=Harness(cpu_seconds=2.0))
    )  # fmt: skip
    with History(store, say=pytest.fail) as index:
        index.refresh()
        # 45 s less the suite's 40 and a fifth of cc-ci's 2, over the 10 s without a suite
        assert index.trend(LINE)[-1].others_cpus == pytest.approx(0.46)


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


def on_engine(version: str, **parts: str) -> Environment:
    return msgspec.structs.replace(example().environment, engine=version, **parts)


def test_two_engines_are_two_lines_and_no_test_flakes_between_them(store: Store) -> None:
    newer = on_engine("28.5.2", containerd="2.1.9")
    store.write(result("newer", started=300.0, environment=newer, outcome="failed", exit_code=1))
    store.write(
        result("other", started=301.0, environment=on_engine("20.10.24", image_store="containerd overlayfs"))
    )
    with History(store, say=pytest.fail) as index:
        index.refresh()
        assert [(one.line.engine, one.runs) for one in index.summaries()] == [
            ("20.10.24, containerd 1.6.20, runc 1.1.5, containerd overlayfs, cgroup v1", 1),
            ("28.5.2, containerd 2.1.9, runc 1.1.5, overlay2, cgroup v1", 1),
            (LINE.engine, 4),
        ]
        assert index.flakes() == ()
        assert "engine 28.5.2, containerd 2.1.9" in str(index.summaries()[1].line)


def test_an_index_from_before_engines_learns_them_from_the_runs_that_are_there(store: Store) -> None:
    with History(store, say=pytest.fail) as index:
        index.refresh()
    older = sqlite3.connect(store.root / FILE)
    older.executescript("alter table runs drop column engine; pragma user_version = 4;")
    older.close()
    store.prune(keep=3)
    with History(store, say=pytest.fail) as index:
        index.refresh()
        # the pruned one is kept, and nobody knows its engine any more
        assert {one.line.engine: one.runs for one in index.summaries()} == {LINE.engine: 3, None: 1}
