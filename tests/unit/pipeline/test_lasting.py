"""After which steps an app is looked at again, and when its time of stability is waited out."""

import pytest

from cc_ci.levers.arms import choose
from cc_ci.pipeline.known import Known
from cc_ci.pipeline.lasting import CHANGES, CHECKED, USING, next_on_app
from cc_ci.pipeline.planner import SHAPES, make_plan

FULL = Known(previous_version="1", has_suite=True, backed_up=True, provider="provider", has_sso_tests=True)


@pytest.mark.parametrize("shape", SHAPES)
def test_before_each_change_of_an_app_there_is_a_step_that_can_fail_for_it(shape: str) -> None:
    """A removal is carried out whatever happened: it must not be what finds out that an app ended."""
    plan = make_plan(FULL, choose("stock", [f"{LEVER}={shape}"]))
    for deployment in plan.deployments:
        mine = [step for step in plan.steps if step.deployment == deployment.name]
        before = [step for step in mine if next_on_app(plan, step) in CHANGES]
        assert len(before) == len([step for step in mine if step.action in CHANGES])
        assert all(step.action in USING and not step.closing for step in before)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_step_and_the_next_on_its_app_are_of_one_order(shape: str) -> None:
    plan = make_plan(FULL, choose("stock", [f"{LEVER}={shape}"]))
    for step in plan.steps:
        later = [one for one in plan.steps if one.deployment == step.deployment and step.name in one.after]
        if step.deployment in {one.name for one in plan.deployments} and later:
            assert next_on_app(plan, step) == later[0].action


@pytest.mark.parametrize("shape", SHAPES)
def test_each_deployments_health_is_looked_at_again(shape: str) -> None:
    plan = make_plan(FULL, choose("stock", [f"{LEVER}={shape}"]))
    for deployment in plan.deployments:
        assert any(one.action in CHECKED for one in plan.steps if one.deployment == deployment.name)


LEVER = "plan.shape"
"""By which a plan's shape is chosen."""
