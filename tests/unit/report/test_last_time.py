"""A run's story beside the last one's."""

import threading
from pathlib import Path

import msgspec
import pytest
from example_result import example

from cc_ci.levers.arms import choose
from cc_ci.report.last_time import LastTime, last_of
from cc_ci.results.schema import CacheState, RunResult, StageResult
from cc_ci.results.store import Store
from cc_ci.timing.spans import Span

SPANS = (
    Span(id=1, kind="step", name="install: deploy (install)", start=0, end=40, stage="install"),
    Span(id=2, name="converge", start=1, end=32, parent=1, attributes={"waits_for": "all tasks"}),
    Span(id=3, kind="step", name="upgrade: deploy (upgrade)", start=40, end=100, stage="upgrade"),
    Span(id=4, name="converge", start=41, end=92, parent=3, attributes={"waits_for": "all tasks"}),
    Span(id=5, name="plan", start=100, end=100.1),
)
LAST = msgspec.structs.replace(
    example(), spans=SPANS, stages=(StageResult(name="install", outcome="passed", seconds=44.0),)
)


def test_each_line_has_its_own_last_time() -> None:
    last = LastTime(LAST)
    told = [
        *("install: deploy (install)", "waiting for all tasks", "install: passed"),
        *("upgrade: deploy (upgrade)", "waiting for all tasks", "waiting for news", "plan"),
    ]
    assert [last.annotated(line).partition(" (last time ")[2] for line in told] == [
        *("40 s)", "31 s)", "44 s)", "60 s)", "51 s)", "", "")
    ]


def test_a_story_begins_before_the_last_time_is_read() -> None:
    goes = threading.Event()

    def find() -> RunResult:
        assert goes.wait(10)
        return LAST

    last = LastTime.read_beside(find)
    assert last.annotated("install: deploy (install)") == "install: deploy (install)"
    goes.set()
    for thread in threading.enumerate():
        if thread.name == "cc-ci-last-time":
            thread.join(10)
    assert last.annotated("install: deploy (install)") == "install: deploy (install) (last time 40 s)"


def test_without_a_last_time_lines_stay_as_they_are() -> None:
    assert LastTime(None).annotated("waiting for all tasks") == "waiting for all tasks"


RECIPE, ARM = example().recipe.name, example().arm


def stored(store: Store, tail: str, recipe: str = RECIPE, **over: object) -> str:
    """One run more, green, warm and newer than those before, unless told otherwise."""
    run = f"{recipe}-20260131-120000-{tail}"
    known = {"exit_code": 0, "cache": CacheState(asked="warm"), **over}
    store.write(msgspec.structs.replace(example(run), **known))
    return run


def found(store: Store) -> str | None:
    last = last_of(store, recipe=RECIPE, arm=ARM, cache="warm")
    return last and last.run


def test_the_last_green_run_of_the_same_kind_is_taken(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert found(store) is None
    wanted = stored(store, "0001")
    for tail, over in (
        ("0002", {"exit_code": 1}),
        ("0003", {"arm": choose("stock", ["readiness.hold=2"]).arm}),
        ("0004", {"cache": CacheState(asked="cold")}),
    ):
        stored(store, tail, **over)
    for tail in ("0005", "0006", "0007", "0008", "0009", "0010"):
        stored(store, tail, recipe=f"{RECIPE}-tiny")
    assert found(store) == wanted


def test_times_of_another_cache_state_are_not_told(tmp_path: Path) -> None:
    store = Store(tmp_path)
    stored(store, "0001", cache=CacheState(asked="cold"))
    assert found(store) is None


def test_a_result_that_cannot_be_read_keeps_no_run_from_going(tmp_path: Path) -> None:
    store = Store(tmp_path)
    wanted, broken = stored(store, "0001"), stored(store, "0002")
    (tmp_path / broken / "results.json").write_text('{"schema_version": 99}')
    assert found(store) == wanted


@pytest.mark.parametrize("outcome", ["failed: it is down", "unverified"])
def test_a_stage_that_did_not_pass_is_not_compared(outcome: str) -> None:
    assert LastTime(LAST).annotated(f"install: {outcome}") == f"install: {outcome}"
