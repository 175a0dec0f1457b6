import re
from pathlib import Path

import msgspec
import pytest
import yaml
from small_recipe import COMPOSE, RUN, app, node, recipe

from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.labels import SERVICE, STACK
from cc_ci.engine.overlay import Overlay, overlay
from cc_ci.engine.stack_driver import StackDriver
from cc_ci.engine.state import Container, Listed, ServiceState, StackSnapshot, TaskState
from cc_ci.errors import CommandFailed, InfrastructureError, StageFailed
from cc_ci.recipes.app import App
from cc_ci.recipes.stack import Stack
from cc_ci.system.process import LocalRunner, ScriptedRunner

CHANGED = (
    "Updating service s_app (id: x)\nfailed to update config small-abc_ci_test_site_v1: Error response from"
    " daemon: rpc error: code = InvalidArgument desc = only updates to Labels are allowed\n"
)


@pytest.fixture
def read(tmp_path: Path) -> tuple[App, Stack]:
    return app(recipe(tmp_path / "recipe"))


def driver(runner: ScriptedRunner, engine: FakeEngine | None = None) -> StackDriver:
    engine = engine or FakeEngine()
    return StackDriver(engine, runner, node(), engine.clock)


def deploy(runner: ScriptedRunner, read: tuple[App, Stack], folder: Path) -> None:
    configured, stack = read
    under_test = driver(runner)
    laid = overlay(stack, configured, run=RUN, node=node(), proxy_network="p1")
    under_test.write(configured, stack, laid, folder)
    under_test.deploy(configured, folder)


def test_the_recipes_files_come_first_and_images_are_resolved(
    read: tuple[App, Stack], tmp_path: Path
) -> None:
    runner = ScriptedRunner().on("env")
    deploy(runner, read, tmp_path / "run")
    (call,) = runner.calls
    assert call[:2] == ("env", "-i")
    assert call[call.index("stack") :] == (
        *("stack", "deploy", "--compose-file", str(tmp_path / "run/compose.yml")),
        *("--compose-file", str(tmp_path / "run/cc-ci.overlay.yml")),
        *("--resolve-image", "always", "small-abc_ci_test"),
    )


SPY = """\
#!/bin/bash
{ declare -x; echo "called with: $*"; } > %s
"""
EVIL = {
    "LD_PRELOAD": "./evil.so",
    "BASH_ENV": "./evil.sh",
    "ENV": "./evil.sh",
    "PATH": "./bin",
    "IFS": "e",
    "HOME": "./home",
    "SSH_AUTH_SOCK": "./agent",
    "GIT_SSH_COMMAND": "./evil.sh",
    "DOCKER_HOST": "tcp://evil:2375",
    "DOCKER_CONFIG": "./docker",
    "DOCKER_CONTENT_TRUST": "1",
    "DOCKER_STACK_ORCHESTRATOR": "kubernetes",
    "COMPOSE_FILE": "compose.yml",
    "COMPOSE_PROJECT_NAME": "other",
}


@pytest.mark.attack(
    what="A recipe's .env.sample sets LD_PRELOAD, BASH_ENV, PATH, HOME, IFS, DOCKER_CONFIG and the like.",
    before="They were in the docker client's environment, so the recipe's library ran as root on the host.",
    now="Variables are filled into copies of the compose files; the client's environment is empty.",
    layer="engine",
)
def test_an_apps_variables_are_never_the_clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    spy = tmp_path / "bin/docker"
    spy.write_text(SPY % (tmp_path / "seen"))
    spy.chmod(0o755)
    (tmp_path / "recipe").mkdir()
    (tmp_path / "recipe/evil.sh").write_text(f"touch {tmp_path}/canary\n")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.setenv("TZ", "Europe/Nowhere")
    sample = "".join(f"{name}='{value}'\n" for name, value in EVIL.items())
    asked = COMPOSE.replace("      - OWN=1\n", "".join(f"      - {name}\n" for name in (*EVIL, "TZ")))
    configured, stack = app(recipe(tmp_path / "recipe", compose=asked, env=sample))
    engine = FakeEngine()
    under_test = StackDriver(engine, LocalRunner(), node(), engine.clock)
    laid = overlay(stack, configured, run=RUN, node=node(), proxy_network="p1")
    compose, _ = under_test.write(configured, stack, laid, tmp_path / "run")

    under_test.deploy(configured, tmp_path / "run")

    exported, _, called = (tmp_path / "seen").read_text().partition("called with: ")
    # what bash itself exports
    assert set(re.findall(r"declare -x (\w+)", exported)) <= {"PWD", "OLDPWD", "SHLVL"}
    assert not (tmp_path / "canary").exists()
    assert called.startswith("--host unix:///fake.sock stack deploy")
    # they reach the app all the same, and a variable that the app has not is nobody else's
    environment = yaml.safe_load(compose.read_text())["services"]["app"]["environment"]
    assert {f"{name}={value}" for name, value in EVIL.items()} <= set(environment)
    assert "TZ" in environment


def test_a_value_is_text_whatever_it_looks_like(tmp_path: Path) -> None:
    asked = COMPOSE.replace("OWN=1\n", "OWN=${MULTI}\n      - ODD=${TAG:-$(touch x)}\n")
    sample = 'MULTI="a\\nimage: evil # "\nTAG=\n'
    configured, stack = app(recipe(tmp_path / "recipe", compose=asked, env=sample))
    laid = overlay(stack, configured, run=RUN, node=node(), proxy_network="p1")
    compose, _ = driver(ScriptedRunner()).write(configured, stack, laid, tmp_path / "run")
    service = yaml.safe_load(compose.read_text())["services"]["app"]
    assert "ODD=$$(touch x)" in service["environment"]
    assert service["environment"][1].startswith("OWN=a")


@pytest.mark.parametrize(
    ("said", "error", "match"),
    [
        (CHANGED, StageFailed, r"compose.yml:\d+: configs.site: site.conf: the content changed .* abra.sh"),
        (
            "port '80' is already in use by service 'proxy' (abc) as",
            StageFailed,
            "port 80: is taken by .* proxy",
        ),
        ("secret not found: small_pw_", StageFailed, "small_pw_: external"),
        (
            "services.app.foo Additional property foo is not allowed",
            StageFailed,
            "refuses it: services.app.foo",
        ),
        ("Cannot connect to the Docker daemon at unix:///x", InfrastructureError, "Cannot connect"),
        (
            'network "p1" is declared as external, but could not be found. You need to',
            InfrastructureError,
            "could not be found",
        ),
    ],
)
def test_a_refused_deploy_blames_the_right_one(
    read: tuple[App, Stack], tmp_path: Path, said: str, error: type[Exception], match: str
) -> None:
    runner = ScriptedRunner().on("env", stderr=said, returncode=1)
    with pytest.raises(error, match=match) as caught:
        deploy(runner, read, tmp_path / "run")
    assert "\n" not in str(caught.value)


def test_an_overlay_that_oversteps_is_not_written(read: tuple[App, Stack], tmp_path: Path) -> None:
    laid = Overlay(content={"services": {"app": {"image": "other"}}})
    with pytest.raises(InfrastructureError, match=r"overlay: services\.app\.image"):
        driver(ScriptedRunner()).write(*read, laid, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_elsewhere_a_variable_without_a_value_would_be_the_clients_own(tmp_path: Path) -> None:
    asked = COMPOSE.replace("      - OWN=1\n", "      - HOME\n")
    configured, stack = app(recipe(tmp_path / "recipe", compose=asked))
    there = msgspec.structs.replace(node(), kind="foreign", docker_host="ssh://swarm.example")
    engine = FakeEngine()
    laid = overlay(stack, configured, run=RUN, node=there, proxy_network="p1")
    with pytest.raises(StageFailed, match=r"compose.yml:9: services.app.environment.HOME: has no value"):
        StackDriver(engine, ScriptedRunner(), there, engine.clock).write(
            configured, stack, laid, tmp_path / "run"
        )


def failing(engine: FakeEngine, count: int) -> StackSnapshot:
    t0 = engine.clock.now()
    service = ServiceState(id="a", name="app", image="i", desired=1, running=1)
    other = ServiceState(id="d", name="db", image="i", desired=1, running=1)
    tasks = tuple(
        TaskState(id=f"t{n}", service="app", state="failed", desired="shutdown", stamp=t0 + n, created=t0)
        for n in range(count)
    )
    runs = TaskState(id="r", service="app", state="running", desired="running", stamp=t0 + 9, created=t0 + 9)
    return StackSnapshot(stack="small-abc_ci_test", services=(service, other), tasks=(*tasks, runs))


def test_a_stack_that_failed_after_it_converged_is_not_sound(read: tuple[App, Stack]) -> None:
    engine = FakeEngine()
    since = engine.clock.now()
    under_test = driver(ScriptedRunner(), engine)
    engine.script(failing(engine, 1))
    under_test.converge(read[1], since=since, timeout=60)
    under_test.require_sound(read[1], since=since)
    engine.script(failing(engine, 3))
    with pytest.raises(StageFailed, match="service app: ended 3 times"):
        under_test.require_sound(read[1], since=since)


def test_running_images_are_those_of_running_containers_by_short_name() -> None:
    engine = FakeEngine()
    for number, state in enumerate(("running", "exited", "running")):
        labels = {STACK: "s", SERVICE: f"s_app{number}"}
        engine.has(
            "container",
            Container(
                id=str(number),
                name="n",
                labels=labels,
                created=engine.clock.now(),
                state=state,
                image="i",
                image_id=f"id{number}",
            ),
        )
    assert driver(ScriptedRunner(), engine).running_images("s") == {"app0": "id0", "app2": "id2"}


def test_removal_is_waited_out_only_when_asked() -> None:
    engine = FakeEngine()
    engine.has("network", Listed(id="n", name="s_n", labels={STACK: "s"}, created=engine.clock.now()))
    runner = ScriptedRunner().on("docker", "stack", "rm", "s")
    driver(runner, engine).remove("s", wait=False)
    with pytest.raises(InfrastructureError, match="stack s: networks still there 60 s after its removal"):
        driver(runner, engine).remove("s", wait=True)
    assert runner.calls == [("docker", "stack", "rm", "s")] * 2


def test_a_refused_removal_is_said() -> None:
    runner = ScriptedRunner().on("docker", "stack", "rm", stderr="Error: rpc", returncode=1)
    with pytest.raises(CommandFailed, match="docker stack rm s: exit 1: Error: rpc"):
        driver(runner).remove("s", wait=True)


def test_what_another_removal_took_first_is_no_fault() -> None:
    said = "Failed to remove network n: Error response from daemon: network n not foundfailed to remove some"
    runner = ScriptedRunner().on("docker", "stack", "rm", stderr=said, returncode=1)
    driver(runner).remove("s", wait=True)
    assert runner.calls == [("docker", "stack", "rm", "s")]


def with_containers(engine: FakeEngine, *services: str) -> None:
    for name in services:
        labels = {STACK: "s", SERVICE: f"s_{name}"}
        made = Container(
            id=f"{name}-1", name=name, labels=labels, created=1.0, state="running", image="i", image_id="i"
        )
        engine.has("container", made)


def state(name: str, *, grace: float) -> ServiceState:
    return ServiceState(id=name, name=name, image="i", desired=1, running=1, stop_grace_period=grace)


def test_a_prompt_removal_stops_each_container_with_its_services_grace_once_the_services_are_gone() -> None:
    engine, runner = FakeEngine(), ScriptedRunner().on("docker", "stack", "rm")
    engine.script(StackSnapshot(stack="s", services=(state("app", grace=90.0), state("db", grace=1.5))))
    with_containers(engine, "app", "db")
    driver(runner, engine).remove("s", wait=True, prompt=True)
    stops = [argument for call, argument in engine.calls if call == "stop_container"]
    assert sorted(stops) == ["app-1 90", "db-1 1.5"]
    assert engine.containers() == ()
    assert runner.calls == [("docker", "stack", "rm", "s")]


def test_what_could_not_be_stopped_is_not_removed_by_force() -> None:
    engine, runner = FakeEngine(), ScriptedRunner().on("docker", "stack", "rm")
    with_containers(engine, "app")
    engine.fail("stop_container")
    with pytest.raises(InfrastructureError, match="stop_container"):
        driver(runner, engine).remove("s", wait=True, prompt=True)
    assert "remove_container" not in [call for call, _ in engine.calls]


def test_nothing_is_stopped_by_the_engine_where_swarm_is_waited_for() -> None:
    engine, runner = FakeEngine(), ScriptedRunner().on("docker", "stack", "rm")
    with_containers(engine, "app")
    driver(runner, engine).remove("s", wait=False)
    assert "stop_container" not in [call for call, _ in engine.calls]
