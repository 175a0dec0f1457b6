"""What a run is at, told from its open spans."""

from pathlib import Path
from typing import ClassVar

import msgspec
import pytest
from example_result import example

from cc_ci.pipeline.locating import name_of
from cc_ci.report.last_time import LastTime
from cc_ci.report.live import Live, bar
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


class Halfway:
    """A run of which the install is over."""

    stages: ClassVar = {"install": True, "backup": False, "functional": False}
    total = 280.0
    waits = ""

    def of_stage(self, stage: str) -> float | None:
        return {"backup": 48.0}.get(stage)

    def standing(self, deployment: str | None) -> str:
        return self.waits if deployment else ""


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
            assert live() == "install 8 s of about 44 s: waiting for all tasks 5 s of about 31 s"
            with trace.span("look", phase="converge", waits_for="news"):
                clock.advance(1)
                assert live() == "install 9 s of about 44 s: waiting for news 1 s"
            assert live() == "install 9 s of about 44 s: waiting for all tasks 6 s of about 31 s"
        assert live() == "install 9 s of about 44 s: deploy (install) 9 s"


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
        assert live() == "install 7 s: waiting for all tasks 3 s\nupgrade 5 s: deploy (d) 5 s"
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


def backing_up(width: int, *, last: LastTime | None = None, after: float = 72.0) -> list[str]:
    clock = ManualClock()
    trace = Trace(clock)
    progress = Halfway()
    progress.waits = "app: starting 22 s, looks every 30 s, next in 8 s; last: curl: (7) refused"
    live = Live(trace, last or LastTime(None), recipe="pocket", progress=lambda: progress)
    clock.advance(after - 22)
    with trace.span("b", phase=None, kind="step", action="deploy", stage="backup", deployment="backup"):
        clock.advance(22)
        return live(width).splitlines()


def test_the_whole_run_comes_first_and_then_what_is_waited_for_and_why() -> None:
    first, second = backing_up(120)
    done = "\N{FULL BLOCK}" * 3 + "\N{LIGHT SHADE}"
    assert first.startswith(f"pocket 1:12 of about 4:40  {done}")
    assert first.endswith("  1/3 stages  now backup  then functional")
    why = "app: starting 22 s, looks every 30 s, next in 8 s; last: curl: (7) refused"
    assert second == f"backup 22 s of about 48 s: {why}"
    assert backing_up(60)[1].endswith("looks every \N{HORIZONTAL ELLIPSIS}")


@pytest.mark.parametrize("width", [20, 40, 60, 80, 160])
def test_no_line_is_wider_than_the_terminal_and_times_are_left(width: int) -> None:
    lines = backing_up(width)
    assert all(len(line) <= width for line in lines)
    assert lines[0].startswith("pocket 1:12 of")


def test_the_last_run_of_its_kind_goes_before_the_plan() -> None:
    assert backing_up(100, last=LastTime(LAST))[0].startswith("pocket 1:12 of about 0:10")


def test_a_bar_is_not_full_before_the_time_is_over() -> None:
    assert bar(0.0, 4) == "\N{LIGHT SHADE}" * 4
    assert bar(0.999, 4) == "\N{FULL BLOCK}" * 3 + "\N{LIGHT SHADE}"
    assert bar(1.7, 4) == "\N{FULL BLOCK}" * 4


def test_chains_side_by_side_have_a_line_each() -> None:
    clock = ManualClock()
    trace = Trace(clock)
    live = Live(trace, LastTime(None), recipe="pocket", progress=Halfway)
    with (
        trace.span("a", phase=None, kind="step", action="deploy", stage="install"),
        trace.span("waiting", phase="converge", waits_for="its tasks"),
    ):
        second = trace.begin(trace.span("b", phase=None, kind="step", action="test", stage="functional"))
        clock.advance(3)
        head, *lines = live(100).splitlines()
        second.close()
    assert "1/3 stages" in head
    assert [line.partition(" ")[0] for line in lines] == ["install", "functional"]
    assert lines[0].endswith("waiting for its tasks 3 s")


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
