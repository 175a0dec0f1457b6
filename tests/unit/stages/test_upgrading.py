import shutil
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from stage_suite import MemorySuites, with_seeds

from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.state import Image
from cc_ci.errors import InfrastructureError, StageFailed
from cc_ci.recipes.promised import broken_promise
from cc_ci.recipes.recipe import read_recipe
from cc_ci.recipes.stack import Stack
from cc_ci.stages.bench import Bench, Candidate, Deployed
from cc_ci.stages.deploying import roll_out
from cc_ci.stages.preparing import configured
from cc_ci.stages.seeds import Planted
from cc_ci.stages.upgrading import Moved, existing, upgrade, verify, verify_moved
from cc_ci.suite.facts import Suite
from cc_ci.suite.protocol import AppFacts
from cc_ci.system.process import ScriptedRunner


def with_image(stack: Stack, image: str) -> Stack:
    app = msgspec.structs.replace(stack.services["app"], image=image)
    return msgspec.structs.replace(stack, services={**stack.services, "app": app})


def look(
    old: Stack, new: Stack, *, after: dict[str, str], named: dict[str, str | None] | None = None
) -> Moved:
    return verify_moved(
        old=old, new=new, before=BEFORE, after=after, named=named or {"nginx:1.26.3": "id-new"}
    )


BEFORE = {"app": "id-old", "db": "id-db"}


def test_a_service_whose_image_changed_must_run_another(deployed: Deployed) -> None:
    old = with_image(deployed.stack, "nginx:1.22.1")
    moved = {"app": "id-new", "db": "id-db"}
    assert look(old, deployed.stack, after=moved) == Moved()
    (fault,) = look(old, deployed.stack, after=BEFORE).faults
    assert fault.startswith("compose.yml:")
    assert "nginx:1.26.3 should run, but the old image still runs" in fault


def test_another_tag_of_the_same_image_is_told_and_no_fault(deployed: Deployed) -> None:
    old = with_image(deployed.stack, "nginx:1.26")
    found = look(old, deployed.stack, after=BEFORE, named={"nginx:1.26.3": "id-old"})
    assert found.faults == ()
    assert "nginx:1.26.3 is the same image as nginx:1.26" in found.told[0]


def test_a_service_whose_image_did_not_change_must_run_the_same(deployed: Deployed) -> None:
    after = {"app": "id-new", "db": "id-db"}
    (fault,) = look(deployed.stack, deployed.stack, after=after).faults
    assert "services.app.image: did not change, and another image runs: the tag was moved" in fault


def test_a_release_that_changes_only_configs_is_normal(deployed: Deployed) -> None:
    assert look(deployed.stack, deployed.stack, after=BEFORE) == Moved()


def test_a_rolled_back_upgrade_fails_its_stage_and_is_counted(bench: Bench, deployed: Deployed) -> None:
    deployed.running = BEFORE
    old = with_image(deployed.stack, "nginx:1.22.1")
    with pytest.raises(StageFailed, match="the old image still runs"):
        verify(bench, deployed, old=old, before=BEFORE, seeded="marker")
    (test,) = bench.findings.tests["upgrade"]
    assert test.outcome == "failed"


def test_data_that_an_image_keeps_elsewhere_fails_the_upgrade(
    bench: Bench, deployed: Deployed, engine: FakeEngine
) -> None:
    """Even where a marker in the volume is still there."""
    deployed.running = {"app": "id-new", "db": "id-db"}
    old = with_image(deployed.stack, "nginx:1.22.1")
    (target,) = (mount.target for mount in old.services["app"].mounts if mount.volume)
    for reference, folder, id_ in (("nginx:1.22.1", target, "id-old"), ("nginx:1.26.3", "/new", "id-new")):
        engine.on_node[reference] = Image(
            id=id_, tags=(reference,), digests=(), diff_ids=(), size_bytes=0, volumes=(folder,)
        )
    with pytest.raises(StageFailed, match=f"nginx:1.26.3 keeps its data at /new, .* kept it at {target}"):
        verify(bench, deployed, old=old, before=BEFORE, seeded=None)
    assert bench.findings.tests["upgrade"][-1].outcome == "failed"


def test_without_a_seed_kept_data_is_not_claimed(bench: Bench, deployed: Deployed) -> None:
    deployed.running = BEFORE
    verify(bench, deployed, old=deployed.stack, before=BEFORE, seeded=None)
    assert [warning.code for warning in bench.findings.warnings] == ["upgrade-data"]


class Forgetful(MemorySuites):
    """An app that has room for one thing: what is written takes the place of what was there."""

    def seed_write(self, suite: Suite, app: AppFacts, key: str, value: str) -> None:
        self.data.clear()
        super().seed_write(suite, app, key, value)


def upgraded(bench: Bench, deployed: Deployed, suites: MemorySuites) -> Bench:
    """After an upgrade that the old version's data came through."""
    deployed.running = BEFORE
    deployed.candidate = with_seeds(deployed.candidate)
    suites.data["cc-ci-kept-1"] = "marker"
    judged = replace(bench, suites=suites)
    seeded = Planted(key="cc-ci-kept-1", value="marker")
    verify(judged, deployed, old=deployed.stack, before=BEFORE, seeded=seeded)
    return judged


def test_the_new_version_writes_beside_what_the_old_one_wrote(bench: Bench, deployed: Deployed) -> None:
    suites = MemorySuites()
    judged = upgraded(bench, deployed, suites)
    assert [test.id for test in judged.findings.tests["upgrade"]][-2:] == [
        "the marker is still there",
        "the app takes new data beside the old",
    ]
    assert len(suites.data) == 2


def test_an_upgraded_app_that_takes_nothing_new_fails(bench: Bench, deployed: Deployed) -> None:
    suites = MemorySuites()
    suites.read_only = True
    with pytest.raises(StageFailed, match="seed write: status 500"):
        upgraded(bench, deployed, suites)


def test_an_upgraded_app_whose_new_data_takes_the_old_ones_place_fails(
    bench: Bench, deployed: Deployed
) -> None:
    said = "nothing instead of 'marker' after the new version wrote data of its own; data was lost"
    with pytest.raises(StageFailed, match=said):
        upgraded(bench, deployed, Forgetful())


def test_what_does_not_come_up_again_no_longer_counts_as_running(
    bench: Bench, deployed: Deployed, runner: ScriptedRunner
) -> None:
    deployed.running = BEFORE
    for program in ("docker", "env"):
        runner.on(program, stderr="service app: update rolled back", returncode=1)
    with pytest.raises((StageFailed, InfrastructureError)):
        roll_out(bench, deployed, phase="upgrade")
    assert deployed.running == {}


def other_version(deployed: Deployed, tmp_path: Path, **samples: str) -> Candidate:
    """The recipe once more, with another sample and, if given, another compose file."""
    root = tmp_path / "newer"
    shutil.copytree(deployed.app.recipe.root, root)
    for name, text in samples.items():
        (root / {"sample": ".env.sample", "compose": "compose.yml"}[name]).write_text(text)
    return Candidate(label="2.0.0+1.26.3", recipe=read_recipe(root))


def test_an_upgrade_has_the_env_that_the_old_version_made(deployed: Deployed, tmp_path: Path) -> None:
    old = deployed.candidate.recipe
    to = other_version(deployed, tmp_path, sample=old.env_sample + "\nBRAND_NEW=here\n")
    assert configured(to, domain="a.ci.test").env["BRAND_NEW"] == "here"
    assert "BRAND_NEW" not in configured(existing(to, old), domain="a.ci.test").env


def test_a_variable_that_only_the_new_sample_has_is_missing_in_an_upgrade(
    bench: Bench, deployed: Deployed, tmp_path: Path
) -> None:
    old = deployed.candidate.recipe
    compose = (old.root / "compose.yml").read_text()
    changed = compose.replace("image: nginx:1.26.3", "image: nginx:${IMAGE_TAG:?which one}", 1)
    assert changed != compose
    to = other_version(deployed, tmp_path, sample=old.env_sample + "\nIMAGE_TAG=1.26.3\n", compose=changed)
    with pytest.raises(StageFailed, match=r"compose.yml:\d+: .*IMAGE_TAG.* is only in the new .env.sample"):
        upgrade(bench, deployed, to=to, values={})


@pytest.mark.parametrize(
    ("label", "image", "kept"),
    [
        ("1.1.0+1.26.3", "nginx:1.26.3-alpine", True),
        ("1.1.0+v1.26.3", "nginx:1.26", True),
        ("1.1.0+1.27.0", "nginx:1.26.3", False),
        ("1.1.0+2024a", "nginx:1.26.3", True),
        ("1.1.0", "nginx:1.26.3", True),
        ("1.1.0+1.27.0", "nginx:stable", True),
    ],
)
def test_the_version_that_a_label_promises_is_that_of_an_image(
    deployed: Deployed,
    label: str,
    image: str,
    kept: bool,  # noqa: FBT001 - parametrized
) -> None:
    stack = with_image(deployed.stack, image)
    stack = msgspec.structs.replace(stack, services={"app": stack.services["app"]})
    fault = broken_promise(stack, label)
    assert (fault is None) is kept
    if fault:
        assert f"promises 1.27.0, and no image has it: app runs {image}" in fault
