import errno
from pathlib import Path

import msgspec
import pytest
from small_recipe import COMPOSE, recipe
from small_recipe import app as read_app

from cc_ci.engine.api import Labels
from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.state import EngineEvent, Listed
from cc_ci.errors import DeadlinePassed, InfrastructureError
from cc_ci.isolation.census import take
from cc_ci.stages import evidence
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.preparing import claim
from cc_ci.stages.removing import check_leaks, stoppings, take_down, undeploy
from cc_ci.system.clock import SystemClock
from cc_ci.system.process import ScriptedRunner
from cc_ci.system.stopping import StopToken, under
from cc_ci.system.units import EpochSeconds
from cc_ci.timing.actions import REMOVE, REMOVE_TO_REDEPLOY, TEXT, UNTIL_ENDED, UNTIL_TOLD, of_removal

PROXY = "cc-ci-proxy"


@pytest.fixture
def bench(bench: Bench) -> Bench:
    private = msgspec.structs.replace(bench.node, proxy_container=PROXY)
    object.__setattr__(bench, "node", private)
    return bench


@pytest.fixture(autouse=True)
def made(bench: Bench, engine: FakeEngine, deployed: Deployed, runner: ScriptedRunner) -> None:
    labels = bench.labels("install").all()
    engine.create_network("p1", labels=labels)
    engine.connect_network("p1", PROXY)
    engine.create_volume(deployed.stack.volumes["content"].name, labels=labels)
    deployed.running = {"app": "sha256:1", "db": "sha256:2"}
    engine.log_texts = {f"{deployed.stack.name}_app": "the secret is: a secret of the app"}
    runner.on("docker", "stack", "rm")


def event(deployed: Deployed, action: str, *, at: EpochSeconds, **attributes: str) -> EngineEvent:
    labels = {
        "com.docker.stack.namespace": deployed.stack.name,
        "com.docker.swarm.service.name": f"{deployed.stack.name}_app",
    }
    return EngineEvent(kind="container", action=action, id="c1", at=at, attributes={**labels, **attributes})


def test_all_that_a_deployment_has_is_gone_and_a_second_time_is_no_trouble(
    bench: Bench, engine: FakeEngine, deployed: Deployed
) -> None:
    undeploy(bench, deployed)
    assert take(engine).items == ()
    assert engine.joined == set()
    undeploy(bench, deployed)


def test_evidence_is_saved_before_anything_is_removed_and_without_secrets(
    bench: Bench, engine: FakeEngine, deployed: Deployed
) -> None:
    bench.redact.learn("a secret of the app")
    undeploy(bench, deployed)
    names = [name for name, _ in engine.calls]
    assert names.index("logs") < names.index("remove_network")
    assert (bench.evidence / "install" / "app.log").read_text() == "the secret is: [redacted]"


@pytest.mark.attack(
    what="An app logs without end, in every container of a crash loop.",
    before="Saving took two minutes for each container before anything was removed.",
    now="All evidence of a stack has 90 s; then the removal begins, and the results say so.",
    layer="input",
)
def test_evidence_that_takes_too_long_holds_up_no_removal(
    bench: Bench, engine: FakeEngine, deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def logs(_service: str) -> str:
        SystemClock().sleep(60)
        return ""

    monkeypatch.setattr(evidence, "EVIDENCE_LIMIT", 0.2)
    monkeypatch.setattr(engine, "logs", logs)
    undeploy(bench, deployed)
    assert take(engine).items == ()
    assert bench.findings.warnings[0].message == (
        "evidence of install: not done after 0.2 s; what is there is kept"
    )


def test_a_stop_of_the_teardown_ends_the_evidence_and_is_not_taken_for_its_own(
    bench: Bench, engine: FakeEngine, deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = StopToken()

    def logs(_service: str) -> str:
        token.stop(DeadlinePassed("the teardown's own"))
        SystemClock().sleep(60)
        return ""

    monkeypatch.setattr(engine, "logs", logs)
    with under(token), pytest.raises(DeadlinePassed, match="the teardown's own"):
        undeploy(bench, deployed)


def test_a_full_disk_holds_up_no_removal(
    bench: Bench, engine: FakeEngine, deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(evidence, "write_private", full)
    undeploy(bench, deployed)
    assert take(engine).items == ()
    assert bench.findings.warnings[0].message == "evidence of install: No space left on device"


def test_what_can_t_be_removed_is_said_after_the_rest_is_gone(
    bench: Bench, engine: FakeEngine, deployed: Deployed
) -> None:
    engine.fail("remove_volume")
    with pytest.raises(InfrastructureError, match=r"teardown of install: volume .*_content: remove_volume"):
        undeploy(bench, deployed)
    assert engine.networks() == ()


def test_an_interrupted_join_is_waited_for(bench: Bench, engine: FakeEngine, deployed: Deployed) -> None:
    engine.fail("remove_network", InfrastructureError("network p1 has active endpoints"), once=True)
    undeploy(bench, deployed)
    assert engine.networks() == ()


def test_a_name_is_free_when_a_network_is_gone(
    bench: Bench, engine: FakeEngine, deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, answers = engine.networks, [engine.networks(), engine.networks()]

    def lingering(labels: Labels | None = None) -> tuple[Listed, ...]:
        return real(labels) if labels or not answers else answers.pop()

    monkeypatch.setattr(engine, "networks", lingering)
    undeploy(bench, deployed)
    assert answers == []


def test_how_a_service_stopped_is_read_from_the_engine_s_events(
    bench: Bench, engine: FakeEngine, deployed: Deployed
) -> None:
    now = engine.now()
    engine.happens(
        event(deployed, "kill", at=now, signal="15"),
        event(deployed, "kill", at=EpochSeconds(now + 0.05), signal="9"),
        event(deployed, "die", at=EpochSeconds(now + 0.06), exitCode="137"),
    )
    stops = {stop.id: stop for stop in undeploy(bench, deployed)}
    killed = stops["generic: graceful stop of app"]
    assert killed.outcome == "failed"
    assert (killed.reason or "").startswith("compose.yml:4: services.app.stop_grace_period: still there 10 s")
    assert bench.findings.warnings == []


@pytest.mark.parametrize("mount", ["content:/srv", "/srv/data:/srv"])
def test_a_mount_that_outlives_its_container_keeps_data(tmp_path: Path, mount: str) -> None:
    assert keeps_data(tmp_path, mount)


@pytest.mark.parametrize("mount", ["content:/srv:ro", "/srv", "{type: tmpfs, target: /srv}"])
def test_what_is_read_only_or_goes_with_its_container_keeps_none(tmp_path: Path, mount: str) -> None:
    assert not keeps_data(tmp_path, mount)


def keeps_data(folder: Path, mount: str) -> bool:
    compose = COMPOSE.replace('volumes: ["content:/srv"]', f"volumes: [{mount}]")
    _, stack = read_app(recipe(folder / "mounting", compose=compose))
    return stoppings(stack)["app"].keeps_data


def test_an_app_that_was_rolled_back_is_not_asked_how_it_stops(
    bench: Bench, engine: FakeEngine, deployed: Deployed
) -> None:
    deployed.running = {}
    told = [one.id for one in undeploy(bench, deployed)]
    assert told == ["no secret in the logs", "no secret in answers and on pages"]


@pytest.mark.parametrize("action", [REMOVE, REMOVE_TO_REDEPLOY])
def test_the_time_that_a_service_took_to_stop_is_told_apart(
    bench: Bench, engine: FakeEngine, deployed: Deployed, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, services = engine.now(), engine.services

    def slowly(labels: Labels | None = None) -> tuple[Listed, ...]:
        engine.clock.advance(0.1)
        return services(labels)

    monkeypatch.setattr(engine, "services", slowly)
    engine.happens(
        event(deployed, "kill", at=EpochSeconds(now + 0.02), signal="15"),
        event(deployed, "die", at=EpochSeconds(now + 0.08), exitCode="1"),
    )
    (stop,) = take_down(bench, deployed, action=action)
    _, removal, _, told, ended = bench.trace.spans()
    assert (told.parent, told.phase, told.action) == (
        removal.id,
        "teardown",
        of_removal(action, UNTIL_TOLD),
    )
    assert told.name == f"{TEXT[action]}: until app is told to stop"
    assert told.seconds == pytest.approx(0.02, abs=1e-6)
    assert (ended.parent, ended.action) == (removal.id, of_removal(action, UNTIL_ENDED))
    assert ended.seconds == pytest.approx(stop.seconds, abs=1e-6)


def test_what_a_run_left_is_a_leak(bench: Bench, engine: FakeEngine) -> None:
    after, leaks = check_leaks(bench, msgspec.structs.replace(take(engine), items=()))
    assert {leak.kind for leak in leaks} == {"network", "volume"}
    assert len(after.items) == 2


def test_what_the_new_version_dropped_is_removed_with_the_rest(
    bench: Bench, engine: FakeEngine, deployed: Deployed, tmp_path: Path
) -> None:
    bare = "services: {app: {image: 'nginx:2', networks: [proxy]}}\nnetworks: {proxy: {external: true}}\n"
    newer, stack = read_app(recipe(tmp_path / "newer", compose='version: "3.8"\n' + bare))
    claim(bench, "install", newer, stack)
    deployed.app, deployed.stack = newer, stack
    undeploy(bench, deployed)
    assert take(engine).items == ()


def test_a_stranger_in_the_stack_is_left_and_warned_of(
    bench: Bench, engine: FakeEngine, deployed: Deployed, runner: ScriptedRunner
) -> None:
    stack = deployed.stack.name
    theirs = Listed(
        id="s2", name="theirs", labels={"com.docker.stack.namespace": stack}, created=EpochSeconds(0)
    )
    engine.has("service", theirs)
    undeploy(bench, deployed)
    assert engine.services() == (theirs,)
    assert runner.calls == []
    assert [one.code for one in bench.findings.warnings] == ["strangers"]


@pytest.mark.attack(
    what="Another run's anonymous volume, or somebody's container, is on the node at a run's census.",
    before="The run was blamed for it, and ended as contaminated.",
    now="If the owner is unknown, nobody is blamed, and there is a warning.",
    layer="census",
)
def test_where_others_used_the_node_what_is_nobodys_is_a_warning(bench: Bench, engine: FakeEngine) -> None:
    before = take(engine)
    engine.create_volume("0f" * 32, labels={})
    bench.holdings.neighbours = lambda: {"other"}
    assert check_leaks(bench, before)[1] == ()
    (warning,) = bench.findings.warnings
    assert warning.code == "unclear"
    assert "volume 0f0f" in warning.message


def test_of_many_things_that_are_nobodys_some_are_named(bench: Bench, engine: FakeEngine) -> None:
    before = take(engine)
    for number in range(9):
        engine.create_volume(f"v{number}", labels={})
    bench.holdings.neighbours = lambda: {"other"}
    check_leaks(bench, before)
    assert bench.findings.warnings[0].message.endswith(
        "volume v0, volume v1, volume v2, volume v3, volume v4 and 4 more"
    )


def test_on_somebody_elses_node_only_the_runs_own_scratch_goes(bench: Bench, engine: FakeEngine) -> None:
    object.__setattr__(bench, "node", msgspec.structs.replace(bench.node, kind="foreign"))
    engine.create_volume("cc-ci-small-1", labels={"cc-ci.run": "another"})
    check_leaks(bench, take(engine))
    assert "cc-ci-small-1" in [volume.name for volume in engine.volumes()]
