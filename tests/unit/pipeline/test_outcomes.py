"""What steps' ends make of their stages."""

from collections.abc import Sequence

import pytest

from cc_ci.pipeline.outcomes import StepOutcome, combine
from cc_ci.pipeline.plan import Action, Step
from cc_ci.results.schema import Outcome


def step(action: Action = "check", *, deployment: str | None = "install") -> Step:
    return Step(name=action, action=action, stage="install", chain="install", deployment=deployment)


def done(outcome: Outcome = "passed", reason: str | None = None, *, of: Step | None = None) -> StepOutcome:
    return StepOutcome(step=of or step(), outcome=outcome, reason=reason, started=5.0, seconds=2.0)


def not_done(outcome: Outcome, reason: str, *, lacked: Step | None = None) -> StepOutcome:
    return StepOutcome(step=step(), outcome=outcome, reason=reason, lacked=lacked)


def test_a_stage_has_passed_if_all_its_steps_have() -> None:
    stage = combine("install", [done(), done()])
    assert (stage.stage, stage.outcome, stage.reason, stage.blame) == ("install", "passed", None, None)


@pytest.mark.parametrize(
    ("ends", "outcome", "reason", "blame"),
    [
        ([done(), done("failed", "a"), done("errored", "b")], "failed", "a", "recipe"),
        ([done("errored", "a"), done("failed", "b")], "errored", "a", "cc-ci"),
        ([done("unverified", "a"), done("failed", "b")], "unverified", "a", None),
        ([not_done("skipped", "a"), done("failed", "b")], "failed", "b", "recipe"),
        ([done(), not_done("unverified", "a")], "unverified", "a", None),
        ([done(), not_done("skipped", "a")], "passed", None, None),
        ([not_done("skipped", "a"), done()], "passed", None, None),
        ([not_done("skipped", "a"), not_done("skipped", "b")], "skipped", "a", None),
    ],
)
def test_the_first_red_step_decides_and_what_was_left_out_only_where_nothing_was_done(
    ends: Sequence[StepOutcome], outcome: str, reason: str | None, blame: str | None
) -> None:
    stage = combine("install", ends)
    assert (stage.outcome, stage.reason, stage.blame) == (outcome, reason, blame)


@pytest.mark.parametrize("outcome", ["failed", "errored", "unverified"])
def test_what_a_provider_keeps_from_being_shown_is_its_fault(outcome: Outcome) -> None:
    provide = step("provide", deployment=None)
    assert combine("sso", [done(outcome, "a", of=provide)]).blame == "provider"
    assert combine("install", [not_done("unverified", "a", lacked=provide)]).blame == "provider"


def test_a_step_that_lacked_another_has_its_own_outcome_s_blame_and_a_skipped_provider_has_none() -> None:
    assert combine("install", [not_done("unverified", "a", lacked=step("deploy"))]).blame is None
    assert combine("sso", [done("skipped", "a", of=step("provide"))]).blame is None


def test_a_stage_begins_with_its_first_step_and_took_what_all_of_them_took() -> None:
    ends = [
        StepOutcome(step=step(), outcome="passed", started=7.0, seconds=1.0),
        StepOutcome(step=step(), outcome="passed", started=4.0, seconds=2.5),
        not_done("skipped", "a"),
    ]
    stage = combine("install", ends)
    assert (stage.started, stage.seconds) == (4.0, 3.5)


def test_a_stage_of_which_nothing_was_done_never_began() -> None:
    stage = combine("install", [not_done("unverified", "a")])
    assert (stage.started, stage.seconds, stage.deployments) == (None, 0.0, ())


def test_the_deployments_of_a_stage_are_those_that_its_steps_worked_on() -> None:
    ends = [
        done(of=step(deployment="backup")),
        done(of=step(deployment="fresh")),
        done(of=step(deployment="backup")),
        done(of=step("pull", deployment=None)),
        StepOutcome(step=step(deployment="never"), outcome="unverified", reason="a"),
    ]
    assert combine("restore", ends).deployments == ("backup", "fresh")
