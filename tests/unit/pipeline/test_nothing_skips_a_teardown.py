"""Whichever call fails or is interrupted, at whichever point of a run: what was begun is removed.

Each example is a whole run in a fake Swarm in which something happens at some of its calls of the engine and
of programs.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cc_ci.errors import (
    CcCiError,
    CommandFailed,
    DeadlinePassed,
    InfrastructureError,
    Interrupted,
    StageFailed,
    Stopped,
)
from cc_ci.isolation.census import take
from cc_ci.pipeline.run import Run
from cc_ci.results.schema import RunResult
from cc_ci.results.store import load
from cc_ci.system.stopping import current
from cc_ci.testkit.recipes import small_recipe
from cc_ci.testkit.runs import Lab

CALLS = 900
"""More than a green run makes; see the test of it."""
Happening = BaseException | Callable[[Run], None]


def interrupt(run: Run) -> None:
    run._stops.run.stop(Interrupted("ended by SIGINT"))
    current().check()


def be_late(run: Run) -> None:
    run._stops.run.stop(DeadlinePassed("deadline: the run was not done"))
    current().check()


HAPPENINGS: dict[str, Happening] = {
    "the engine does not answer": InfrastructureError("node fake: does not answer"),
    "a program fails": CommandFailed("docker: exit 1", returncode=1),
    "the recipe is at fault": StageFailed("service app: crash loop"),
    "a bug": ZeroDivisionError("division by zero"),
    "no memory": MemoryError(),
    "no disk": OSError(28, "No space left on device"),
    "a thread is ended": SystemExit(3),
    "Ctrl-C": interrupt,
    "the deadline": be_late,
}


@pytest.fixture(scope="module")
def recipe() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield small_recipe(Path(folder)).parents[1]


class Troubled:
    """One run with things that happen once, each at a call of its own."""

    def __init__(self, root: Path, recipe: Path, plan: dict[int, str], **asked: object) -> None:
        self.lab = Lab(root, made=recipe)
        self.run = self.lab.prepared(**asked)
        self.calls = 0
        self._plan = plan
        self.lab.swarm.at_call = self._at_call

    def _at_call(self, number: int) -> None:
        self.calls = number
        happening = self._plan.get(number)
        if happening is None:
            return
        what = HAPPENINGS[happening]
        if isinstance(what, BaseException):
            raise what
        what(self.run)

    def left(self) -> list[str]:
        """Of apps; a lease may stay where the engine did not answer as it was given back."""
        return [f"{item.kind} {item.name}" for item in take(self.lab.swarm).items if item.kind != "config"]


def quiet(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("CC_CI_STATE", str(folder / "state"))
    monkeypatch.setenv("CC_CI_RUNTIME", str(folder / "runtime"))


def test_a_green_run_makes_fewer_calls_than_are_tried(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as folder:
        quiet(monkeypatch, Path(folder))
        troubled = Troubled(Path(folder), recipe, {})
        assert troubled.run().result.verdict == "green"
        assert CALLS / 2 < troubled.calls < CALLS


def carried_out(troubled: Troubled) -> RunResult | None:
    """Carry it out, and see what must hold at its end, whatever happened in it; None: no app was begun."""
    lab, swarm = troubled.lab, troubled.lab.swarm
    try:
        ran = troubled.run()
    except (CcCiError, Stopped, OSError, ZeroDivisionError, MemoryError, SystemExit):
        # before there was a node to speak of, or in giving back the lease at the very end
        written = list(lab.store.root.glob("*/results.json"))
        deployed = any("deploy" in words for words in swarm.argv)
        assert written or not deployed
        results = load(written[0]) if written else None
    else:
        results = load(ran.folder.results)
        assert results == ran.result
    swarm.at_call = lambda _number: None
    if results is None:
        return None
    assert results.state == "finished"
    began = {span.deployment for span in results.spans if span.action == "prepare" and span.kind == "step"}
    removed = {span.deployment for span in results.spans if span.action == "undeploy"}
    assert began <= removed
    assert len([span for span in results.spans if span.action == "leak_check"]) == 1
    return results


@given(number=st.integers(1, CALLS), what=st.sampled_from(sorted(HAPPENINGS)))
@settings(max_examples=16, deadline=None)
def test_after_one_thing_nothing_is_left_of_an_app(recipe: Path, number: int, what: str) -> None:
    """What failed in a removal is tried once more: one fault, of whatever kind, leaves no app behind."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
        quiet(monkeypatch, Path(folder))
        troubled = Troubled(Path(folder), recipe, {number: what})
        carried_out(troubled)
        assert troubled.left() == []


@given(
    plan=st.dictionaries(st.integers(1, CALLS), st.sampled_from(sorted(HAPPENINGS)), min_size=2, max_size=4)
)
@settings(max_examples=8, deadline=None)
def test_after_several_all_that_is_left_is_told(recipe: Path, plan: dict[int, str]) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
        quiet(monkeypatch, Path(folder))
        troubled = Troubled(Path(folder), recipe, plan)
        results = carried_out(troubled)
        assert not troubled.left() or results is None or results.exit_code != 0


@pytest.mark.parametrize("what", ["a bug", "no memory", "no disk", "a thread is ended"])
def test_what_breaks_as_a_run_is_concluded_costs_its_verdict_and_not_its_result(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    quiet(monkeypatch, tmp_path)
    whole = Troubled(tmp_path / "whole", recipe, {}, stage="install")
    whole.run()
    for before_the_end in (1, 4):
        number = whole.calls - before_the_end
        troubled = Troubled(tmp_path / f"{number}", recipe, {number: what}, stage="install")
        results = carried_out(troubled)
        assert results is not None
        assert results.exit_code == 3
        assert any("internal error: " in line for line in results.because)


@given(number=st.integers(1, CALLS), what=st.sampled_from(["Ctrl-C", "the deadline"]))
@settings(max_examples=8, deadline=None)
def test_a_stop_at_any_call_leaves_nothing_at_all(recipe: Path, number: int, what: str) -> None:
    """The engine is well: so there is no excuse for anything that stays, the lease included."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
        quiet(monkeypatch, Path(folder))
        troubled = Troubled(Path(folder), recipe, {number: what})
        carried_out(troubled)
        assert [(item.kind, item.name) for item in take(troubled.lab.swarm).items] == []
