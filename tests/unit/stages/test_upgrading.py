import msgspec
import pytest

from cc_ci.errors import InfrastructureError, StageFailed
from cc_ci.recipes.stack import Stack
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.deploying import roll_out
from cc_ci.stages.upgrading import verify, verify_moved
from cc_ci.system.process import ScriptedRunner


def with_image(stack: Stack, image: str) -> Stack:
    app = msgspec.structs.replace(stack.services["app"], image=image)
    return msgspec.structs.replace(stack, services={**stack.services, "app": app})


BEFORE = {"app": "id-old", "db": "id-db"}


def test_a_service_whose_image_changed_must_run_another(deployed: Deployed) -> None:
    old = with_image(deployed.stack, "nginx:1.22.1")
    moved = {"app": "id-new", "db": "id-db"}
    assert verify_moved(old=old, new=deployed.stack, before=BEFORE, after=moved) == ()
    (fault,) = verify_moved(old=old, new=deployed.stack, before=BEFORE, after=BEFORE)
    assert fault.startswith("compose.yml:")
    assert "nginx:1.26.3 asked, the old one runs" in fault


def test_a_service_whose_image_did_not_change_must_run_the_same(deployed: Deployed) -> None:
    after = {"app": "id-new", "db": "id-db"}
    (fault,) = verify_moved(old=deployed.stack, new=deployed.stack, before=BEFORE, after=after)
    assert "services.app.image: not changed, but another image runs" in fault


def test_a_release_that_changes_only_configs_is_normal(deployed: Deployed) -> None:
    assert verify_moved(old=deployed.stack, new=deployed.stack, before=BEFORE, after=BEFORE) == ()


def test_a_rolled_back_upgrade_fails_its_stage_and_is_counted(bench: Bench, deployed: Deployed) -> None:
    deployed.running = BEFORE
    old = with_image(deployed.stack, "nginx:1.22.1")
    with pytest.raises(StageFailed, match="the old one runs"):
        verify(bench, deployed, old=old, before=BEFORE, seeded="marker")
    (test,) = bench.findings.tests["upgrade"]
    assert test.outcome == "failed"


def test_without_a_seed_kept_data_is_not_claimed(bench: Bench, deployed: Deployed) -> None:
    deployed.running = BEFORE
    verify(bench, deployed, old=deployed.stack, before=BEFORE, seeded=None)
    assert [warning.code for warning in bench.findings.warnings] == ["upgrade-data"]


def test_what_does_not_come_up_again_no_longer_counts_as_running(
    bench: Bench, deployed: Deployed, runner: ScriptedRunner
) -> None:
    deployed.running = BEFORE
    for program in ("docker", "env"):
        runner.on(program, stderr="service app: update rolled back", returncode=1)
    with pytest.raises((StageFailed, InfrastructureError)):
        roll_out(bench, deployed, phase="upgrade")
    assert deployed.running == {}
