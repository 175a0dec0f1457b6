"""A version that does not come up is deployed once: later stages could only fail for the same cause."""

import pytest

from cc_ci.results.schema import StageResult
from cc_ci.testkit.runs import Lab


def never_up(lab: Lab) -> dict[str, StageResult]:
    lab.swarm.boot = 100_000.0
    return {stage.name: stage for stage in lab.run().result.stages}


def deployed(lab: Lab) -> int:
    return sum("deploy" in words for words in lab.swarm.argv)


@pytest.mark.parametrize("stage", ["backup", "restore", "functional"])
def test_a_stage_that_would_deploy_it_again_is_unverified_as_install(lab: Lab, stage: str) -> None:
    stages = never_up(lab)
    assert stages["install"].outcome == "failed"
    assert stages["install"].follows is None
    found = stages[stage]
    assert (found.outcome, found.reason, found.follows) == ("unverified", "as install", "install")
    assert found.blame is None


def test_the_version_that_fails_is_deployed_once_and_the_old_one_for_itself(lab: Lab) -> None:
    stages = never_up(lab)
    assert deployed(lab) == 2
    assert stages["upgrade"].reason != "as install"
    assert stages["teardown"].outcome == "passed"


def test_an_error_of_ours_says_nothing_of_the_version_and_it_is_deployed_again(lab: Lab) -> None:
    lab.swarm.fail("connect_network")
    stages = {stage.name: stage for stage in lab.run().result.stages}
    assert stages["install"].outcome in {"passed", "errored"}
    assert not [stage.name for stage in stages.values() if stage.reason == "as install"]


def test_what_was_seen_is_in_the_results_of_the_stage_that_failed_alone(lab: Lab) -> None:
    stages = never_up(lab)
    wrong = stages["install"].wrong
    assert wrong is not None
    assert (wrong.step, wrong.deployment) == ("install: deploy (install)", "install")
    assert [(one.service, one.state) for one in wrong.services] == [("app", "0/1 running")]
    assert stages["backup"].wrong is None


def test_a_failed_test_leaves_the_stages_after_it_to_run(lab: Lab) -> None:
    lab.suites.outcomes["app"] = "failed"
    stages = {stage.name: stage for stage in lab.run().result.stages}
    assert stages["functional"].outcome == "failed"
    assert stages["restore"].outcome == "passed"
