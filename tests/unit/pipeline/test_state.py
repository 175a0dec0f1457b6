"""What is known of a run decides which steps are carried out."""

import msgspec
import pytest

from cc_ci.errors import Interrupted
from cc_ci.levers.arms import choose
from cc_ci.pipeline.handed import Hands, Layers
from cc_ci.pipeline.known import Known
from cc_ci.pipeline.outcomes import StepOutcome
from cc_ci.pipeline.plan import Plan
from cc_ci.pipeline.planner import make_plan
from cc_ci.pipeline.state import RunState
from cc_ci.results.schema import Outcome

FULL = Known(previous_version="1", has_suite=True, backed_up=True)
PLAN = make_plan(FULL, choose())
KEEPING = make_plan(FULL, choose(), keep=True)


def known_of(plan: Plan = PLAN, **ends: Outcome) -> RunState:
    """Steps by their names, with __ for each dot, and what became of them; all were carried out."""
    state = RunState(plan=plan)
    for name, outcome in ends.items():
        end(state, name.replace("__", "."), outcome)
    return state


def end(state: RunState, name: str, outcome: Outcome, *, carried_out: bool = True) -> None:
    started = 1.0 if carried_out else None
    state.end(StepOutcome(step=state.plan.step(name), outcome=outcome, started=started))


def test_what_a_step_gave_and_found_is_known_from_its_end_on() -> None:
    state = known_of()
    hands = Hands(PLAN.step("pull"), {})
    layers = Layers(ids=frozenset({"one"}))
    hands.give("layers", layers)
    hands.findings.warn("code", "message")
    state.end(StepOutcome(step=hands.step, outcome="passed"), hands)
    assert state.values == {"layers": layers}
    assert [one.message for one in state.findings.warnings] == ["message"]
    end(state, "install.install.prepare", "passed")
    assert state.values == {"layers": layers}


def test_a_step_may_begin_when_all_that_it_needs_and_comes_after_has_ended() -> None:
    check = msgspec.structs.replace(
        PLAN.step("install.install.check"), needs=("pull",), after=("install.install.prepare",)
    )
    state = known_of()
    assert not state.ready(check)
    end(state, "pull", "passed")
    assert not state.ready(check)
    end(state, "install.install.prepare", "failed")
    assert state.ready(check)
    assert not known_of(install__install__prepare="passed").ready(check)


def test_a_step_is_carried_out_if_all_is_well() -> None:
    state = known_of(pull="passed", install__install__prepare="passed")
    step = PLAN.step("install.install.deploy")
    assert state.not_done(step, stop=None, run_stopped=False) is None


@pytest.mark.parametrize("outcome", ["failed", "errored", "unverified", "skipped"])
def test_a_step_whose_need_did_not_pass_says_which(outcome: Outcome) -> None:
    state = known_of(pull="passed", install__install__prepare=outcome)
    left = state.not_done(PLAN.step("install.install.deploy"), stop=None, run_stopped=False)
    assert left is not None
    assert (left.outcome, left.reason) == ("unverified", "not run: install.install.prepare did not pass")
    assert left.lacked == PLAN.step("install.install.prepare")
    assert left.started is None


def left_out(state: RunState, name: str) -> tuple[str | None, str | None]:
    """Why a step is not carried out, and the step that is the cause; it counts as ended then."""
    left = state.not_done(state.plan.step(name), stop=None, run_stopped=False)
    assert left is not None
    assert left.outcome == "unverified"
    state.end(left)
    return left.reason, left.lacked and left.lacked.name


def test_all_that_comes_of_one_failure_has_it_as_its_cause() -> None:
    state = known_of(pull="passed", install__install__prepare="failed")
    cause = "install.install.prepare"
    said = "not run: install.install.{} did not pass".format
    assert left_out(state, "install.install.deploy") == (said("prepare"), cause)
    assert left_out(state, "install.install.check") == (said("deploy"), cause)


@pytest.mark.parametrize("action", ["prepare", "deploy"])
def test_what_would_fail_for_the_same_cause_is_told_as_the_stage_in_which_it_did(action: str) -> None:
    state = known_of(pull="passed", install__install__prepare="passed")
    cause = f"install.install.{action}"
    end(state, cause, "failed")
    for name in ("prepare", "deploy", "test"):
        assert left_out(state, f"functional.functional.{name}") == ("as install", cause)


@pytest.mark.parametrize("outcome", ["errored", "unverified"])
def test_what_was_no_fault_of_the_recipe_may_go_well_the_next_time(outcome: Outcome) -> None:
    state = known_of(pull="passed", install__install__prepare="passed", install__install__deploy=outcome)
    step = PLAN.step("functional.functional.prepare")
    assert state.not_done(step, stop=None, run_stopped=False) is None


def test_another_version_is_another_matter_and_so_is_what_broke_later() -> None:
    state = known_of(pull="passed", install__install__deploy="failed", upgrade__upgrade__pull="passed")
    assert state.not_done(PLAN.step("upgrade.upgrade.prepare"), stop=None, run_stopped=False) is None
    later = known_of(pull="passed", install__install__deploy="passed", install__install__check="failed")
    assert later.not_done(PLAN.step("functional.functional.prepare"), stop=None, run_stopped=False) is None


def test_a_removal_goes_on_whatever_became_of_what_it_comes_after() -> None:
    state = known_of(install__install__deploy="failed", install__install__check="unverified")
    assert state.not_done(PLAN.step("install.install.undeploy"), stop=None, run_stopped=True) is None


def test_what_a_stop_is_meant_for_is_not_carried_out_and_says_so() -> None:
    state = known_of(KEEPING, functional__functional__test="failed")
    for name in ("functional.functional.kill", "functional.functional.undeploy"):
        left = state.not_done(KEEPING.step(name), stop=Interrupted("ended by SIGTERM"), run_stopped=True)
        assert left is not None
        assert (left.outcome, left.reason) == ("unverified", "not run: ended by SIGTERM")
    assert state.kept is None


def test_a_deployment_is_broken_by_a_step_that_was_carried_out_and_did_not_pass() -> None:
    state = known_of(pull="failed", install__install__check="failed", upgrade__upgrade__seed="unverified")
    end(state, "backup.backup.seed", "passed")
    end(state, "functional.functional.deploy", "unverified", carried_out=False)
    assert state.broken() == {"install", "upgrade"}


def test_a_stage_is_known_when_its_last_step_has_ended() -> None:
    steps = [step.name for step in PLAN.steps if step.stage == "functional"]
    state = known_of()
    for name in steps:
        assert state.stage("functional") is None
        end(state, name, "passed")
    end(state, "install.install.check", "failed")
    stage = state.stage("functional")
    assert stage is not None
    assert (stage.stage, stage.outcome) == ("functional", "passed")
