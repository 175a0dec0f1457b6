"""How one step is carried out: what is told and timed of it, and that its app lives on meanwhile."""

from collections.abc import Callable

import msgspec
import pytest

from cc_ci.errors import InfrastructureError
from cc_ci.pipeline.dispatch import WATCHED, told
from cc_ci.pipeline.plan import Step
from cc_ci.results.schema import RunResult, StageResult
from cc_ci.testkit.runs import NODE, Lab


def stage_of(result: RunResult, name: str) -> StageResult:
    return next(stage for stage in result.stages if stage.name == name)


def at(lab: Lab, line: str, happens: Callable[[], None]) -> None:
    """Let something happen when the run tells that line, before the step does anything."""
    kept = lab.tell

    def tell(said: str) -> None:
        kept(said)
        if said == line:
            happens()

    lab.tell = tell


def end_the_app(lab: Lab) -> None:
    """Its container ends by itself; Swarm's next one has not come yet."""
    containers = lab.swarm.items["container"]
    for id_, container in list(containers.items()):
        containers[id_] = msgspec.structs.replace(container, state="exited")  # type: ignore[type-var]


def test_a_step_is_told_by_its_stage_its_action_and_its_deployment() -> None:
    step = Step(name="x", action="verify_upgrade", stage="upgrade", chain="upgrade", deployment="upgrade")
    assert told(step) == "upgrade: verify upgrade (upgrade)"
    assert told(msgspec.structs.replace(step, deployment=None)) == "upgrade: verify upgrade"


def test_a_step_s_span_says_what_it_was_of(lab: Lab) -> None:
    result = lab.run(stage="install").result
    spans = [span for span in result.spans if span.kind == "step"]
    assert [(span.action, span.stage, span.deployment, span.phase) for span in spans] == [
        ("pull", "install", None, None),
        ("prepare", "install", "install", None),
        ("deploy", "install", "install", None),
        ("check", "install", "install", None),
        ("undeploy", "teardown", "install", None),
        ("conclude_stops", "teardown", None, None),
        ("leak_check", "teardown", None, None),
    ]


@pytest.mark.parametrize(
    ("line", "stage", "outcome"),
    [
        ("install: check (install)", "install", "failed"),
        ("upgrade: seed (upgrade)", "upgrade", "unverified"),
        ("upgrade: verify upgrade (upgrade)", "upgrade", "failed"),
        ("backup: seed (backup)", "backup", "failed"),
        ("backup: backup (backup)", "backup", "failed"),
        ("restore: overwrite (backup)", "restore", "failed"),
        ("restore: verify restore (backup)", "restore", "failed"),
        ("functional: test (functional)", "functional", "failed"),
    ],
)
def test_an_app_that_ends_in_a_step_s_time_is_told_with_that_step(
    lab: Lab, line: str, stage: str, outcome: str
) -> None:
    at(lab, line, lambda: end_the_app(lab))
    found = stage_of(lab.run(stage=stage).result, stage)
    assert found.outcome == outcome
    assert f"services.app: ended although it served, during {line}" in str(found.reason)


def test_all_that_is_done_to_an_app_that_serves_is_watched() -> None:
    assert sorted(WATCHED) == [
        *("backup", "check", "fill", "overwrite", "seed", "test", "verify_restore", "verify_upgrade")
    ]


def test_what_broke_because_the_app_ended_is_not_what_is_told(lab: Lab) -> None:
    lab.suites.outcomes["app"] = "failed"
    at(lab, "functional: test (functional)", lambda: end_the_app(lab))
    reason = stage_of(lab.run(stage="functional").result, "functional").reason
    assert "services.app: ended although it served, during functional: test (functional)" in str(reason)


@pytest.mark.parametrize(("outcome", "blame"), [("failed", "recipe"), ("errored", "cc-ci")])
def test_what_broke_while_the_app_lived_on_is_told_as_it_is(lab: Lab, outcome: str, blame: str) -> None:
    lab.suites.outcomes["app"] = outcome
    found = stage_of(lab.run(stage="functional").result, "functional")
    assert (found.outcome, found.blame) == (outcome, blame)
    assert str(found.reason).startswith("test_app.py::test_it: ")


def test_an_app_that_ends_as_its_files_are_put_back_is_started_anew_and_judged_then(lab: Lab) -> None:
    at(lab, "restore: restore (backup)", lambda: end_the_app(lab))
    result = lab.run(stage="restore").result
    assert result.verdict == "green", result.because


# what actions make of what they are given


@pytest.mark.parametrize(
    ("image", "stage", "outcome"), [("small:1", "upgrade", "unverified"), ("small:2", "install", "failed")]
)
def test_an_image_that_is_gone_is_its_own_version_s(lab: Lab, image: str, stage: str, outcome: str) -> None:
    del lab.swarm.in_registry[image]
    found = stage_of(lab.run(stage=stage).result, stage)
    assert found.outcome == outcome
    assert image in str(found.reason)


@pytest.mark.parametrize(
    ("line", "stand_ins", "stage", "outcome"),
    [
        # the lab's registry served the new version's, so that it is there, and lacks the old one's
        ("upgrade: pull (upgrade)", True, "upgrade", "unverified"),
        ("upgrade: pull (upgrade)", False, "upgrade", "errored"),
        ("install: pull", True, "install", "errored"),
    ],
)
def test_a_registry_that_does_not_serve_is_ours_but_for_what_the_lab_never_had(
    lab: Lab, line: str, stage: str, outcome: str, *, stand_ins: bool
) -> None:
    def end_the_registry() -> None:
        lab.swarm.fail("pull", InfrastructureError("registry: does not answer"), once=True)

    at(lab, line, end_the_registry)
    result = lab.run(stage=stage, node=msgspec.structs.replace(NODE, stand_ins=stand_ins)).result
    found = stage_of(result, stage)
    assert (found.outcome, found.reason) == (outcome, "registry: does not answer")


def test_only_images_of_what_is_deployed_are_pulled(lab: Lab) -> None:
    pulled = {one.reference for one in lab.run(stage="install").result.cache.images}
    assert pulled == {"small:2"}
    pulled = {one.reference for one in lab.run(stage="upgrade").result.cache.images}
    assert pulled == {"small:1", "small:2"}


def test_how_services_stopped_is_told_once_for_each_with_the_deployment_of_the_worst(lab: Lab) -> None:
    stops = stage_of(lab.run().result, "teardown").tests
    assert [(test.id, test.outcome) for test in stops] == [
        ("generic: graceful stop of app", "passed"),
        ("no secret in the logs", "passed"),
        ("no secret in answers and on pages", "passed"),
    ]
    assert {test.deployment for test in stops} <= {"install", "upgrade", "backup", "fresh", "functional"}
    assert None not in {test.deployment for test in stops}


# what becomes of an app that is killed


def test_an_app_that_does_not_come_back_after_a_kill_fails_and_says_so(lab: Lab) -> None:
    def never_again() -> None:
        lab.swarm.boot = 100_000.0

    at(lab, "functional: kill (functional)", never_again)
    result = lab.run(stage="functional").result
    found = stage_of(result, "functional")
    assert (found.outcome, found.blame) == ("failed", "recipe")
    assert str(found.reason).startswith("after SIGKILL: ")
    # what did not come back is not asked how it stops
    assert [test.id for test in stage_of(result, "teardown").tests] == [
        "no secret in the logs",
        "no secret in answers and on pages",
    ]


def test_what_swarm_does_not_start_again_is_not_killed_and_that_is_said(lab: Lab) -> None:
    compose = lab.recipe / "compose.yml"
    policy = "    deploy:\n      restart_policy:\n        condition: none\n"
    compose.write_text(compose.read_text().replace("    deploy:\n", policy))
    result = lab.run(stage="functional").result
    said = [one.message for one in result.warnings if one.code == "not-killed"]
    assert said == ["no service is started again by its restart_policy; none was killed"]
    assert "kill_container" not in {call for call, _ in lab.swarm.calls}
    tests = {test.id: test.outcome for test in stage_of(result, "functional").tests}
    assert tests["comes back after it was killed"] == "passed"


# the phases of what a step does


PHASES = {
    "install: pull": ["images_pull"],
    "install: prepare (install)": ["app_new", "secrets"],
    "install: deploy (install)": ["converge", "deploy", "ready"],
    "install: check (install)": ["verify"],
    "upgrade: seed (upgrade)": ["seed"],
    "upgrade: upgrade (upgrade)": ["overhead", "upgrade"],
    "upgrade: verify upgrade (upgrade)": ["verify"],
    "upgrade: test (upgrade)": ["test"],
    "backup: backup (backup)": ["backup", "seed", "verify"],
    "restore: overwrite (backup)": ["seed"],
    "restore: restore (backup)": ["restore"],
    "restore: redeploy (backup)": ["converge", "deploy", "overhead", "ready", "teardown"],
    "restore: verify restore (backup)": ["verify"],
    "functional: kill (functional)": ["verify"],
    "teardown: undeploy (functional)": ["overhead", "teardown"],
    "teardown: leak check": ["leak_check"],
}


def test_what_a_step_does_counts_as_the_phases_that_it_is_of(lab: Lab) -> None:
    result = lab.run().result
    spans = {span.id: span for span in result.spans}
    found: dict[str, set[str]] = {}
    for span in result.spans:
        above = span
        while above.kind != "step" and above.parent:
            above = spans[above.parent]
        if span.phase:
            found.setdefault(above.name, set()).add(span.phase)
    assert {name: sorted(phases) for name, phases in found.items() if name in PHASES} == PHASES
