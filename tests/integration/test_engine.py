"""The engine and the stack driver on a real node: pulls, deploys, updates, what fails, and removal."""

import contextlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from cc_ci.engine.argv import stack_deploy
from cc_ci.engine.docker_engine import DockerEngine, connect
from cc_ci.engine.history import settled
from cc_ci.engine.labels import RUN, STACK, RunLabels
from cc_ci.engine.node import Node
from cc_ci.engine.overlay import Overlay, overlay
from cc_ci.engine.run_folder import write_run_folder
from cc_ci.engine.stack_driver import StackDriver
from cc_ci.engine.watching import Convergence
from cc_ci.errors import InfrastructureError, StageFailed
from cc_ci.isolation.kept_images import ACTIVE_FOR, note, prune
from cc_ci.probes.stopping import ContainerEvent, stops
from cc_ci.recipes.app import App
from cc_ci.recipes.configuring import configure
from cc_ci.recipes.recipe import read_recipe
from cc_ci.recipes.secrets import generate_secret
from cc_ci.recipes.stack import Stack, read_stack
from cc_ci.system.clock import SystemClock
from cc_ci.system.process import LocalRunner, check
from cc_ci.system.units import EpochSeconds

pytestmark = pytest.mark.integration

POCKET = Path(__file__).parents[2] / "lab/recipes/pocket"
OLD, NEW = "0.1.1+1.35.0", "0.2.0+1.37.0"
BUSYBOX = "busybox:1.37.0"
CLIENTS = sorted(
    {str(Path(folder).resolve()) for folder in os.get_exec_path() if Path(folder, "docker").is_file()}
)

FOREVER = ["sh", "-c", "trap exit TERM; sleep 1000 & wait"]


@pytest.fixture(scope="module")
def engine(node: Node, busybox: None) -> DockerEngine:
    made = connect(node, LocalRunner())
    for left in made.containers({RUN: ""}):
        # a session that was killed, and its node with it, leaves containers that hold their image's layers
        if left.state == "exited":
            made.remove_container(left.id)
    for version in ("1.35.0", "1.37.0"):
        made.pull(f"busybox:{version}")
    return made


@pytest.fixture
def driver(engine: DockerEngine, node: Node) -> StackDriver:
    return StackDriver(engine, LocalRunner(), node, SystemClock())


class Deployment:
    """One stack of this module, with its own proxy network."""

    def __init__(self, engine: DockerEngine, driver: StackDriver, node: Node, folder: Path) -> None:
        self.engine, self.driver, self.node, self.folder = engine, driver, node, folder
        self.domain = f"eng-{os.urandom(3).hex()}.{node.ci_domain}"
        self.name = self.domain.replace(".", "_")
        expires = EpochSeconds(engine.now() + 600)
        self.labels = RunLabels(run=self.name, recipe="pocket", deployment="Y", expires=expires)
        self.network = f"{self.name}_ccproxy"
        self.secrets: set[str] = set()
        engine.create_network(self.network, labels=self.labels.all())

    def deploy(self, root: Path) -> tuple[App, Stack, EpochSeconds]:
        app = configure(read_recipe(root), domain=self.domain)
        stack = read_stack(app)
        for spec in app.secrets:
            if spec.swarm_name not in self.secrets:
                value = generate_secret(spec)
                self.engine.create_secret(spec.swarm_name, value=value, labels=self.labels.all())
                self.secrets.add(spec.swarm_name)
        laid = overlay(stack, app, run=self.labels, node=self.node, proxy_network=self.network)
        self.driver.write(app, stack, laid, self.folder)
        since = self.engine.now()
        self.driver.deploy(app, self.folder)
        return app, stack, since

    def up(self, root: Path, *, timeout: float = 60, stable_for: float = 0) -> Convergence:
        _, stack, since = self.deploy(root)
        return self.driver.converge(stack, since=since, timeout=timeout, stable_for=stable_for)

    def remove(self) -> None:
        self.driver.remove(self.name, wait=True)
        for secret in self.secrets:
            self.engine.remove_secret(secret)
        for volume in self.engine.volumes({STACK: self.name}):
            self.engine.remove_volume(volume.name)
        self.engine.remove_network(self.network)


@pytest.fixture(scope="module")
def made() -> Iterator[list[Deployment]]:
    """All of this module's deployments: their removals are waited out together."""
    deployments: list[Deployment] = []
    yield deployments
    with contextlib.ExitStack() as removals:
        for deployment in deployments:
            removals.callback(deployment.remove)


@pytest.fixture
def deployment(
    engine: DockerEngine, driver: StackDriver, node: Node, tmp_path: Path, made: list[Deployment]
) -> Iterator[Deployment]:
    deployment = Deployment(engine, driver, node, tmp_path / "run")
    made.append(deployment)
    yield deployment
    driver.remove(deployment.name, wait=False)


def recipe(root: Path, **service: object) -> Path:
    """Write a recipe whose `app` is as given."""
    root.mkdir(exist_ok=True)
    services = {"app": {"image": BUSYBOX, "command": FOREVER, **service}}
    content = {"version": "3.8", "services": services}
    (root / "compose.yml").write_text(yaml.safe_dump(content))
    (root / ".env.sample").write_text("TYPE=made\nDOMAIN=x\n")
    return root


def test_a_pull_says_what_was_there(engine: DockerEngine) -> None:
    # the first test: an image's layers stay as long as a container has them
    engine.remove_image(BUSYBOX)
    cold, warm = engine.pull(BUSYBOX), engine.pull(BUSYBOX)
    assert cold.layers_extracted == len(cold.layers) > 0 < cold.bytes_pulled
    assert (warm.layers_extracted, warm.bytes_pulled, warm.digest) == (0, 0, cold.digest)
    assert engine.registry_digest(BUSYBOX) == cold.digest
    with pytest.raises(InfrastructureError, match="neither built nor loaded here"):
        engine.pull("busybox:0.0.0")


def test_a_prune_takes_what_nobody_needs_and_leaves_what_a_container_is_made_from(
    engine: DockerEngine, node: Node, tmp_path: Path
) -> None:
    file, now = tmp_path / "images.json", SystemClock().now()
    long_ago = EpochSeconds(now - 2 * ACTIVE_FOR)
    both = ["busybox:1.35.0", BUSYBOX]
    note(file, both, recipe="pocket", at=long_ago, brought=both)
    docker = ("docker", "--host", node.docker_host)
    made = check(LocalRunner()([*docker, "create", f"--label={RUN}=prune", BUSYBOX, "true"])).stdout.strip()
    try:
        gone = {one.use.image: one.because for one in prune(engine, file, now=now)}
    finally:
        engine.remove_container(made)
    assert gone == {"busybox:1.35.0": None, BUSYBOX: "a container is made from it"}
    assert engine.image("busybox:1.35.0") is None
    assert engine.image(BUSYBOX) is not None
    note(file, [BUSYBOX], recipe="pocket", at=now)
    assert prune(engine, file, now=now) == ()
    assert engine.pull("busybox:1.35.0").layers


@pytest.mark.parametrize("client", CLIENTS)
def test_a_recipe_comes_up_is_upgraded_and_goes(
    deployment: Deployment, engine: DockerEngine, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{client}{os.pathsep}{os.environ['PATH']}")
    converged = deployment.up(POCKET / OLD)
    assert converged.noticed_at - converged.condition_true_at < 1
    (timeline,) = converged.timelines
    assert [name for name, _, _ in timeline.intervals()][-2:] == [
        "boot_until_healthy",
        "report_to_manager",
    ]
    assert list(timeline.looks())
    before = deployment.driver.running_images(deployment.name)

    deployment.up(POCKET / NEW)
    after = deployment.driver.running_images(deployment.name)
    assert before["app"] != after["app"] == engine.pull(BUSYBOX).image_id

    mine = {RUN: deployment.name}
    kinds = (
        engine.services,
        engine.containers,
        engine.networks,
        engine.volumes,
        engine.secrets,
        engine.configs,
    )
    assert [kind.__name__ for kind in kinds if not kind(mine)] == []
    deployment.driver.remove(deployment.name, wait=True)
    gone = (engine.services, engine.containers, engine.configs)
    assert [kind(mine) for kind in gone] == [(), (), ()]
    assert [network.name for network in engine.networks(mine)] == [deployment.network]


POLITE = ["sh", "-c", "trap 'sleep 0.3; exit 3' USR1; while :; do sleep 0.05; done"]
DEAF = ["sh", "-c", "trap '' TERM; while :; do sleep 0.05; done"]


def test_a_prompt_removal_is_as_graceful_and_nothing_is_started_anew(
    deployment: Deployment, engine: DockerEngine, tmp_path: Path
) -> None:
    """Each by its own signal and grace, though Swarm would have slept before."""
    recipe(tmp_path / "two", command=POLITE, stop_signal="SIGUSR1", stop_grace_period="20s", networks=["in"])
    compose = tmp_path / "two" / "compose.yml"
    content = yaml.safe_load(compose.read_text())
    deaf = {"image": BUSYBOX, "command": DEAF, "stop_grace_period": "1s", "networks": ["in"]}
    content["services"]["deaf"], content["networks"] = deaf, {"in": {}}
    compose.write_text(yaml.safe_dump(content))
    deployment.up(tmp_path / "two")
    begun, since = time.monotonic(), engine.now()
    with engine.events(since=since, labels={STACK: deployment.name}, kinds=("container",)) as events:
        deployment.driver.remove(deployment.name, wait=True, prompt=True)
        took = time.monotonic() - begun
        seen = list(iter(lambda: events.next(3.0), None))
    assert [one for one in seen if one.action in ("create", "start")] == []
    told = [
        ContainerEvent(
            container=one.id,
            service=(one.service or "").removeprefix(f"{deployment.name}_"),
            action=one.action,
            at=one.at,
            signal=int(one.attributes["signal"]) if one.action == "kill" else None,
            exit_code=one.exit_code,
        )
        for one in seen
        if one.action in ("kill", "die")
    ]
    polite, killed = sorted(stops(told), key=lambda one: one.service)
    assert (set(polite.signals), polite.exit_code) == ({10}, 3)
    assert (killed.signals[0], killed.signals[-1], killed.exit_code) == (15, 9, 137)
    # its own grace and no other: the usual one is 10 s
    assert 0.9 < killed.seconds < 8.0
    assert engine.containers({STACK: deployment.name}) == engine.networks({STACK: deployment.name}) == ()
    assert took < 15.0


def test_a_task_gets_abras_environment_and_the_labs_ca(deployment: Deployment, engine: DockerEngine) -> None:
    deployment.up(POCKET / NEW)
    (container,) = engine.containers({STACK: deployment.name})
    seen = engine.exec(container.id, "echo $STACK_NAME; wc -c < $SSL_CERT_FILE")
    name, size = seen.stdout.split()
    assert name == deployment.name
    assert int(size) == (deployment.node.ca_bundle or Path()).stat().st_size


def test_only_a_changed_service_label_restarts_nothing(deployment: Deployment, tmp_path: Path) -> None:
    deployment.up(recipe(tmp_path / "recipe", deploy={"labels": {"a": "1"}}))
    (before,) = deployment.engine.containers({STACK: deployment.name})
    converged = deployment.up(recipe(tmp_path / "recipe", deploy={"labels": {"a": "2"}}))
    (after,) = deployment.engine.containers({STACK: deployment.name})
    assert (after.id, converged.timelines) == (before.id, ())


@pytest.mark.parametrize(
    ("service", "match", "longest"),
    [
        ({"image": "nobody/has-this:1"}, "No such image", 15),
        ({"command": ["no-such-program"]}, "executable file not found", 15),
        (
            {"command": ["sh", "-c", "exit 3"], "deploy": {"restart_policy": {"delay": "1s"}}},
            r"service app: ended 3 times in \d+ s, last: .*\b3\b",
            30,
        ),
        (
            {"command": ["true"], "deploy": {"restart_policy": {"condition": "none"}}},
            "ended with exit code 0",
            15,
        ),
        ({"deploy": {"placement": {"constraints": ["node.labels.no == 1"]}}}, "can't be placed", 20),
    ],
)
def test_what_can_not_come_up_fails_fast(
    deployment: Deployment, tmp_path: Path, service: dict[str, object], match: str, longest: float
) -> None:
    started = time.monotonic()
    with pytest.raises(StageFailed, match=match):
        deployment.up(recipe(tmp_path / "recipe", **service), timeout=300, stable_for=5)
    assert time.monotonic() - started < longest


def test_a_port_that_the_node_itself_has_is_not_the_recipes_fault(
    deployment: Deployment, tmp_path: Path
) -> None:
    with pytest.raises(InfrastructureError, match="last: port 53 is taken on the node"):
        deployment.up(recipe(tmp_path / "recipe", ports=["53:80"]), timeout=300, stable_for=5)


def test_a_slow_healthy_start_outlasts_the_timeout(deployment: Deployment, tmp_path: Path) -> None:
    slow = {
        "command": ["sh", "-c", "trap exit TERM; sleep 8; touch /up; sleep 1000 & wait"],
        "healthcheck": {"test": ["CMD", "test", "-e", "/up"], "interval": "1s", "start_period": "30s"},
    }
    assert deployment.up(recipe(tmp_path / "recipe", **slow), timeout=3).timelines[0].healthy is not None


def test_an_update_that_is_rolled_back_fails(deployment: Deployment, tmp_path: Path) -> None:
    rollback = {"update_config": {"failure_action": "rollback"}}
    deployment.up(recipe(tmp_path / "recipe", deploy=rollback))
    with pytest.raises(StageFailed, match=r"rollback completed|ended 3 times"):
        deployment.up(recipe(tmp_path / "recipe", deploy=rollback, command=["false"]))


def test_a_config_that_changed_under_its_old_name_is_the_recipes_fault(
    deployment: Deployment, tmp_path: Path
) -> None:
    root = shutil.copytree(POCKET / NEW, tmp_path / "recipe")
    deployment.deploy(root)
    (root / "httpd.conf.tmpl").write_text("# another\n")
    with pytest.raises(
        StageFailed, match=r"compose.yml:\d+: configs.httpd_conf: httpd.conf.tmpl: the content"
    ):
        deployment.deploy(root)


def test_events_come_from_since_on_and_a_dead_engine_is_said(engine: DockerEngine, node: Node) -> None:
    since = engine.now()
    engine.create_volume("eng-events", labels={})
    engine.remove_volume("eng-events")
    with engine.events(since=since, kinds=("volume",)) as events:
        seen = [events.next(2), events.next(2)]
    assert [event.action for event in seen if event and event.id == "eng-events"] == ["create", "destroy"]
    gone = Node(
        name="gone",
        kind="private",
        docker_host="unix:///nowhere.sock",
        address="",
        ci_domain=node.ci_domain,
        ipvs=True,
    )
    with pytest.raises(InfrastructureError, match=r"node gone: its engine at unix:///nowhere.sock"):
        connect(gone, LocalRunner())


def test_a_foreign_node_may_be_a_context_of_the_users(
    engine: DockerEngine, node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    runner = LocalRunner()
    made = ["docker", "context", "create", "swarm", "--docker", f"host={node.docker_host}"]
    check(runner(made, env={"DOCKER_CONFIG": str(tmp_path)}))
    foreign = connect(msgspec.structs.replace(node, kind="foreign", docker_host="swarm"), runner)
    config = foreign.create_config("eng-context", content=b"x", labels={})
    assert [found.id for found in engine.configs() if found.name == "eng-context"] == [config]
    foreign.remove_config(config)


def test_removing_what_is_gone_is_no_error(engine: DockerEngine) -> None:
    for remove in (
        engine.remove_network,
        engine.remove_secret,
        engine.remove_config,
        engine.remove_volume,
        engine.remove_container,
        engine.remove_service,
        engine.remove_image,
    ):
        remove("eng-never-was")


def test_the_snapshot_of_a_settled_stack(deployment: Deployment, tmp_path: Path) -> None:
    deployment.up(recipe(tmp_path / "recipe", deploy={"replicas": 2}))
    (service,) = deployment.engine.stack(deployment.name).services
    assert settled(service)
    assert (service.running, service.desired, service.image) == (2, 2, BUSYBOX)


ODD_RECIPE = """\
version: "3.8"
x-all: &all
  environment: [SET, "EMPTY=", "NOWHERE", "QUOTED=a ${SET:-b} $$c", "ODD", LANG]
  deploy: {replicas: 0, labels: ["l=${ODD}", "coop-cloud.${STACK_NAME}.version=1.0.0+1"]}
services:
  app:
    <<: *all
    image: "busybox:${TAG}"
    command: sh -c "echo ${SET}"
    configs: [{source: page, target: /page, mode: 0440}]
    volumes: ["data:/data", "~/x:/home", "./here:/here:ro"]
    healthcheck: {test: ["CMD", "true"], retries: "${RETRIES}"}
    read_only: "${YES}"
  other: {<<: *all, image: "busybox:${NONE-1.37.0}", environment: {SET: , A: 5, B: "${ODD}"}}
volumes: {data: {labels: {told: "${SET}"}}}
configs: {page: {name: "${STACK_NAME}_page_v1", file: page}}
"""
ODD_SAMPLE = """\
TYPE=odd
DOMAIN=odd.example.com
SET='$5 "x" # é'
ODD='a: [b] \\ 😀'
TAG=1.37.0
RETRIES=7
YES=true
HOME=/srv
"""


@pytest.mark.parametrize("client", CLIENTS)
def test_docker_makes_of_copies_without_variables_what_it_makes_of_the_originals_with_them(
    engine: DockerEngine, driver: StackDriver, client: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "odd"
    root.mkdir()
    for name, text in (("compose.yml", ODD_RECIPE), (".env.sample", ODD_SAMPLE), ("page", "a page\n")):
        (root / name).write_text(text)
    monkeypatch.setenv("PATH", f"{client}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("LANG", "C.UTF-8")
    app = configure(read_recipe(root), domain=f"odd-{os.urandom(3).hex()}.ci.test")
    stack = read_stack(app)

    def made(deploy: Callable[[], object]) -> list[Any]:
        try:
            deploy()
            only = {"label": [f"{STACK}={app.stack_name}"]}
            listed = [
                engine._client.services(filters=only),
                engine._client.configs(filters=only),
                engine._client.volumes(filters=only)["Volumes"],
                engine._client.networks(filters=only),
            ]
            specs = (spec_of(one, root, tmp_path / "run") for kind in listed for one in kind or ())
            return sorted(specs, key=lambda spec: str(spec["Name"]))
        finally:
            driver.remove(app.stack_name, wait=True)
            for config in engine.configs({STACK: app.stack_name}):
                engine.remove_config(config.id)

    def originals() -> None:
        line = stack_deploy(app.stack_name, app.compose_files, resolve_image="never")
        # as it was done before, with variables that do no harm
        given = {name: value for name, value in app.env.items() if name != "LANG"}
        check(LocalRunner()(["env", "-u", "LANG", *line], env={**given, **engine.environment}))

    def copies() -> None:
        driver.write(app, stack, Overlay(content={}), tmp_path / "run")
        driver.deploy(app, tmp_path / "run", resolve_image="never")

    theirs, ours = made(originals), made(copies)
    assert ours == theirs
    assert len(ours) == 4


def spec_of(listed: dict[str, Any], root: Path, run: Path) -> Any:
    """What was asked for, in one folder, and without the ids that the engine gives."""
    spec = listed.get("Spec") or {name: listed[name] for name in ("Name", "Labels")}
    return json.loads(re.sub(r'"[a-z0-9]{25}"', '"id"', json.dumps(spec).replace(str(run), str(root))))


def stack_config(files: list[Path], env: Mapping[str, str]) -> dict[str, Any]:
    """What docker makes of compose files, by whichever client can say so."""
    words = [word for file in files for word in ("-c", str(file))]
    for client in CLIENTS:
        told = LocalRunner()([f"{client}/docker", "stack", "config", *words], env=env)
        if told.ok:
            return dict(yaml.safe_load(told.stdout))
    pytest.skip("no docker client here has `stack config`")


def changed(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """The paths at which `after` differs; lists count as a whole."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from changed(before.get(key), after.get(key), f"{path}/{key}")
    elif _in_order(before) != _in_order(after) and (before or after):
        yield path if not isinstance(after, dict) or before else f"{path}/*"


def _in_order(value: Any) -> Any:
    """A list of things with names has no order of its own; docker sorts it as it merges."""
    named = isinstance(value, list) and all(isinstance(one, dict) for one in value)
    return sorted(value, key=lambda one: str(sorted(one.items()))) if named else value


@pytest.mark.parametrize("version", sorted(POCKET.parent.glob("*/*")), ids=lambda path: path.name)
def test_docker_merges_the_overlay_into_no_other_field(version: Path, node: Node, tmp_path: Path) -> None:
    app = configure(read_recipe(version), domain="small-1a2b3c.ci.test")
    stack = read_stack(app)
    labels = RunLabels(run="r", recipe="x", deployment="Y", expires=EpochSeconds(1))
    laid = overlay(stack, app, run=labels, node=node, proxy_network="p1")
    files = write_run_folder(app, stack, laid, tmp_path / "run")
    env = dict(app.env)
    found = changed(stack_config([*files[:-1]], env), stack_config([*files], env))
    allowed = re.compile(
        r"/services/[\w-]+/(labels|environment|deploy/labels|deploy/endpoint_mode|ports|configs)\b.*"
        r"|/networks/proxy/name|/configs/cc-ci-ca.*|/(networks|volumes|configs)/\w+/labels.*"
    )
    assert [path for path in found if not allowed.fullmatch(path)] == []
