"""A run's story beside the last one's."""

from pathlib import Path

import msgspec
import pytest
from example_result import example

from cc_ci.report.last_time import LastTime, last_of
from cc_ci.results.schema import StageResult
from cc_ci.results.store import Store
from cc_ci.timing.trace import Span

SPANS = (
    Span(id=1, name="install: deploy (install)", start=0, end=40, stage="install"),
    Span(id=2, name="converge", start=1, end=32, parent=1, attributes={"waits_for": "all tasks"}),
    Span(id=3, name="upgrade: deploy (upgrade)", start=40, end=100, stage="upgrade"),
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


def test_without_a_last_time_lines_stay_as_they_are() -> None:
    assert LastTime(None).annotated("waiting for all tasks") == "waiting for all tasks"


def test_the_last_green_run_of_the_same_kind_is_taken(tmp_path: Path) -> None:
    store = Store(tmp_path)
    recipe, profile = example().recipe.name, example().profile
    assert last_of(store, recipe=recipe, profile=profile, cache=None) is None
    for run, over in (
        ("1", {"exit_code": 0}), ("2", {"exit_code": 1}), ("3", {"exit_code": 0, "profile": "another"}),
    ):  # fmt: skip
        store.write(msgspec.structs.replace(example(f"{recipe}-{run}"), **over))
    found = last_of(store, recipe=recipe, profile=profile, cache="warm")
    assert found is not None
    assert found.run == f"{recipe}-1"


@pytest.mark.parametrize("outcome", ["failed: it is down", "unverified"])
def test_a_stage_that_did_not_pass_is_not_compared(outcome: str) -> None:
    assert LastTime(LAST).annotated(f"install: {outcome}") == f"install: {outcome}"
