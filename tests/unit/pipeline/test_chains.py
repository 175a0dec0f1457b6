"""The plan in which a chain's stages share its deployment."""

import msgspec

from cc_ci.levers.arms import choose
from cc_ci.pipeline.known import Known
from cc_ci.pipeline.plan import Plan
from cc_ci.pipeline.planner import make_plan

FULL = Known(
    previous_version="1.0.0+1", has_suite=True, backed_up=True, provider="keycloak",
    has_sso_tests=True,
)  # fmt: skip


CHAINS = choose("stock", ["plan.shape=chains3"])


def acts(plan: Plan, deployment: str) -> list[str]:
    return [f"{step.stage}:{step.action}" for step in plan.steps if step.deployment == deployment]


def test_each_chain_has_one_deployment() -> None:
    plan = make_plan(FULL, CHAINS)
    assert [(one.name, one.versions, one.twin_of) for one in plan.deployments] == [
        ("install", ("new",), None),
        ("upgrade", ("old", "new"), None),
        ("fresh", ("new",), "install"),
    ]
    assert acts(plan, "install") == [
        *("install:prepare", "install:deploy", "install:check", "functional:test", "sso:test"),
        *("backup:seed", "backup:backup", "restore:overwrite", "restore:restore", "restore:redeploy"),
        *("restore:verify_restore", "functional:kill", "install:undeploy"),
    ]
    assert acts(plan, "upgrade")[3:7] == [
        *("upgrade:seed", "upgrade:upgrade", "upgrade:verify_upgrade", "upgrade:test")
    ]
    assert acts(plan, "fresh") == [
        *("restore:prepare", "restore:deploy", "restore:restore", "restore:redeploy"),
        *("restore:verify_restore", "teardown:undeploy"),
    ]


def test_the_twin_comes_after_the_removal_of_its_origin_whatever_chain_is_between_them() -> None:
    after = make_plan(FULL, CHAINS).step("fresh.restore.prepare").after
    assert set(after) == {"upgrade.upgrade.undeploy", "install.install.undeploy"}


def test_the_same_is_tested_as_where_each_stage_deploys_for_itself() -> None:
    """Same stages with the same test actions; only deployments are fewer."""
    tested = ("check", "seed", "upgrade", "verify_upgrade", "backup", "overwrite", "restore", "redeploy",
              "verify_restore", "test")  # fmt: skip
    for known in (FULL, msgspec.structs.replace(FULL, previous_version=None)):
        both = [
            sorted((step.stage, step.action) for step in plan.steps if step.action in tested)
            for plan in (make_plan(known, CHAINS), make_plan(known, choose()))
        ]
        assert both[0] == both[1]


def test_plain_containers_are_not_checked_as_services() -> None:
    assert "install:check" not in acts(make_plan(FULL, choose("bare")), "install")


def test_without_a_suite_the_last_look_at_a_shared_deployment_is_the_install_s() -> None:
    known = Known(previous_version="1.0.0+1", has_suite=False, soak=True, stateless=True)
    plan = make_plan(known, CHAINS)
    assert plan.chains == ("opening", "install", "upgrade", "closing")
    assert acts(plan, "install")[-3:] == ["install:soak", "install:kill", "install:undeploy"]
    assert plan.deployment("install").why == "a fresh install of the new version, for all its stages"


def test_each_arm_says_why_its_deployments_are_there() -> None:
    for arm in (CHAINS, choose("peer"), choose("bare")):
        plan = make_plan(FULL, arm)
        assert all(one.why for one in plan.deployments)
        assert {step.chain for step in plan.steps} <= {"opening", "install", "upgrade", "fresh", "closing"}
