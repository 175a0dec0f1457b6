"""What a run is at, told from its open spans."""

from pathlib import Path

import msgspec
import pytest
from example_result import example

from cc_ci.pipeline.locating import name_of
from cc_ci.report.last_time import LastTime
from cc_ci.report.live import Live
from cc_ci.results.schema import StageResult
from cc_ci.system.clock import ManualClock
from cc_ci.timing.spans import Span
from cc_ci.timing.trace import Trace

STEP = "install: deploy (install)"
LAST = msgspec.structs.replace(
    example(),
    spans=(
        Span(id=1, name=STEP, kind="step", start=0, end=40, stage="install"),
        Span(id=2, name="converge", start=1, end=32, parent=1, attributes={"waits_for": "all tasks"}),
    ),
    stages=(StageResult(name="install", outcome="passed", seconds=44.0),),
)


def test_a_wait_is_told_while_it_lasts_and_no_longer() -> None:
    clock = ManualClock()
    trace = Trace(clock)
    live = Live(trace, LastTime(LAST))
    assert live() == ""
    with trace.span("read the recipe", phase="recipe_fetch"):
        clock.advance(2)
        assert live() == "read the recipe 2 s"
    with trace.span(STEP, phase=None, kind="step", action="deploy", stage="install", deployment="install"):
        clock.advance(3)
        with trace.span("converge", phase="converge", waits_for="all tasks"):
            clock.advance(5)
            assert live() == "install 8 s (last time 44 s): waiting for all tasks 5 s (last time 31 s)"
            with trace.span("look", phase="converge", waits_for="news"):
                clock.advance(1)
                assert live() == "install 9 s (last time 44 s): waiting for news 1 s"
            assert live() == "install 9 s (last time 44 s): waiting for all tasks 6 s (last time 31 s)"
        assert live() == "install 9 s (last time 44 s): deploy (install) 9 s"


def test_of_chains_side_by_side_each_has_its_own_wait() -> None:
    clock = ManualClock()
    trace = Trace(clock)
    live = Live(trace, LastTime(None))
    with trace.run():
        chains = [trace.begin(trace.span(name, phase=None, kind="chain")) for name in ("install", "upgrade")]
        steps = []
        for chain in chains:
            step = trace.span("x", phase=None, kind="step", action="deploy", stage=chain.name, deployment="d")
            steps.append(trace.begin(step, parent=chain))
            clock.advance(2)
        trace.begin(trace.span("converge", phase="converge", waits_for="all tasks"), parent=steps[0])
        trace.begin(trace.span("write results", phase="report"))
        clock.advance(3)
        assert live() == "install 7 s: waiting for all tasks 3 s | upgrade 5 s: deploy (d) 5 s"
        steps[0].close()


def test_a_stage_goes_on_over_its_steps() -> None:
    clock = ManualClock()
    trace = Trace(clock)
    live = Live(trace, LastTime(None))
    for name in ("check", "seed"):
        with trace.span(f"install: {name}", phase=None, kind="step", action=name, stage="install"):
            clock.advance(4)
            told = live()
    assert told == "install 8 s: seed 4 s"


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("custom-html", "custom-html"),
        ("some/where/custom-html/", "custom-html"),
        ("https://example.org/recipes/custom-html.git/", "custom-html"),
        ("git@example.org:recipes/custom-html.git", "custom-html"),
    ],
)
def test_a_recipe_has_its_name_before_it_is_there(asked: str, name: str) -> None:
    assert name_of(asked) == name


def test_the_folder_that_one_is_in_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert name_of(".") == tmp_path.name
