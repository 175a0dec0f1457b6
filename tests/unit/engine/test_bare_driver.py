"""A stack's services as plain containers: what is told to the engine, and what is left afterwards."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from small_recipe import COMPOSE, RUN, app, node, recipe

from cc_ci.engine.bare_driver import BareDriver
from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.labels import SERVICE, STACK
from cc_ci.engine.overlay import overlay
from cc_ci.engine.stack_driver import StackDriver
from cc_ci.engine.state import Container
from cc_ci.errors import StageFailed, UsageError
from cc_ci.recipes.app import App
from cc_ci.recipes.stack import Stack
from cc_ci.system.process import ScriptedRunner
from cc_ci.timing.actions import STOP_CONTAINERS

NAME = "small-abc_ci_test"
BRIDGE = f"{NAME}_bare"
ROUTED = COMPOSE.replace(
    '        - "traefik.enable=true"\n',
    '        - "traefik.enable=true"\n'
    '        - "traefik.http.services.s.loadbalancer.server.port=80"\n'
    '        - "traefik.http.routers.s.rule=Host(`${DOMAIN}`)"\n'
    '        - "traefik.http.routers.s.entrypoints=web-secure"\n'
    '        - "traefik.http.routers.s.tls.certresolver=production"\n',
)


class Lab:
    """A driver with its fakes; `spans` are those it began."""

    def __init__(self, root: Path, *, first_id: int = 0) -> None:
        self.root = root
        self.engine = FakeEngine()
        self.runner = ScriptedRunner().on("docker")
        self.spans: list[str | None] = []
        (root / "certificates").mkdir()
        self.node = msgspec.structs.replace(
            node(), certificates=root / "certificates", proxy_container="proxy", first_id=first_id
        )
        stacks = StackDriver(self.engine, self.runner, self.node, self.engine.clock)
        self.driver = BareDriver(stacks, self.engine, self.runner, self.node, span=self._span)

    @contextlib.contextmanager
    def _span(self, _name: str, *, action: str | None = None) -> Iterator[None]:
        self.spans.append(action)
        yield

    def write(self, read: tuple[App, Stack]) -> None:
        configured, stack = read
        laid = overlay(stack, configured, run=RUN, node=self.node, proxy_network="p1")
        self.driver.write(configured, stack, laid, self.root / "run")

    def up(self, read: tuple[App, Stack]) -> None:
        self.write(read)
        self.driver.deploy(read[0], self.root / "run")
        for service in read[1].services:
            container = Container(
                id=service, name=f"{NAME}_{service}", labels={STACK: NAME, SERVICE: f"{NAME}_{service}"},
                image="i:1", image_id="i", state="running", created=0.0,
            )  # fmt: skip
            self.engine.items["container"][service] = container

    def runs(self) -> list[tuple[str, ...]]:
        return [call for call in self.runner.calls if call[:2] == ("docker", "run")]


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


@pytest.fixture
def read(tmp_path: Path) -> tuple[App, Stack]:
    return app(recipe(tmp_path / "recipe", compose=ROUTED))


def test_services_run_as_the_recipe_says_without_swarm(lab: Lab, read: tuple[App, Stack]) -> None:
    lab.up(read)
    argv = next(call for call in lab.runs() if "nginx:1.26.3" in call)
    words = " ".join(argv)
    assert "--no-healthcheck" in argv
    assert f"--network {BRIDGE} --network-alias app" in words
    assert f"--mount type=volume,source={NAME}_content,target=/srv" in words
    assert f"--label {SERVICE}={NAME}_app" in words
    assert "--env-file /dev/stdin" in words
    assert "small-abc.ci.test" not in words
    given = lab.runner.stdins[lab.runner.calls.index(argv)]
    assert given
    assert "DOMAIN=small-abc.ci.test\n" in given
    assert ("connect_network", BRIDGE) in lab.engine.calls


def test_templates_are_filled_in_and_files_are_read_only(lab: Lab, tmp_path: Path) -> None:
    root = recipe(tmp_path / "recipe", compose=ROUTED)
    (root / "site.conf").write_text('server {{ env "DOMAIN" }};\n')
    lab.up(app(root))
    file = tmp_path / "run/bare/app/configs/site"
    assert file.read_text() == "server small-abc.ci.test;\n"
    argv = next(call for call in lab.runs() if "nginx:1.26.3" in call)
    assert f"type=bind,source={file},target=/site,readonly" in argv


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_files_are_owned_by_whom_the_container_takes_for_their_owner(tmp_path: Path) -> None:
    lab = Lab(tmp_path, first_id=700_000)
    root = recipe(
        tmp_path / "recipe", compose=ROUTED.replace("target: /site", "target: /site\n        uid: '33'")
    )
    lab.up(app(root))
    found = (tmp_path / "run/bare/app/configs/site").stat()
    assert (found.st_uid, found.st_gid) == (700_033, 700_000)


def test_the_proxy_is_told_before_anything_runs(lab: Lab, read: tuple[App, Stack]) -> None:
    lab.write(read)
    assert lab.runs() == []
    (file,) = (lab.root / "certificates").glob("*.yml")
    said = json.loads(file.read_text())["http"]
    assert said["routers"]["s"] == {
        "rule": "Host(`small-abc.ci.test`)",
        "service": "s",
        "entryPoints": ["web-secure"],
        "tls": {},
    }
    assert said["services"]["s"]["loadBalancer"]["servers"] == [{"url": f"http://{NAME}_app:80"}]


def test_an_upgrade_stops_and_starts_only_what_changed(
    lab: Lab, read: tuple[App, Stack], tmp_path: Path
) -> None:
    lab.up(read)
    newer = app(recipe(tmp_path / "newer", compose=ROUTED.replace("nginx:1.26.3", "nginx:1.27.0")))
    lab.up(newer)
    stops = [call for call in lab.runner.calls if call[:2] == ("docker", "stop")]
    assert stops == [("docker", "stop", f"{NAME}_app")]
    assert [call[-1] for call in lab.runs()][2:] == ["nginx:1.27.0"]
    assert lab.spans == [STOP_CONTAINERS]


def test_volumes_outlive_a_removal_until_all_is_removed(lab: Lab, read: tuple[App, Stack]) -> None:
    lab.up(read)
    lab.driver.remove(NAME, wait=True)
    assert lab.engine.items["volume"]
    lab.driver.remove(NAME, wait=True)
    lab.driver.remove_owned(*read)
    assert list((lab.root / "certificates").iterdir()) == []
    assert ("remove_network", BRIDGE) in lab.engine.calls


def test_a_container_that_can_not_run_is_the_recipes_fault(lab: Lab, read: tuple[App, Stack]) -> None:
    lab.runner.on("docker", "run", stderr="docker: no such image\n", returncode=125)
    with pytest.raises(StageFailed, match=f"container {NAME}_(app|db): docker: no such image"):
        lab.up(read)


@pytest.mark.attack(
    what="A recipe's variables reach the program that starts its container: LD_PRELOAD, BASH_ENV.",
    before="The docker client had them in its own environment, as root on the host.",
    now="The client reads them from stdin, and has a fixed environment.",
    layer="engine",
)
def test_an_apps_variables_are_never_the_clients(lab: Lab, tmp_path: Path) -> None:
    evil = ROUTED.replace("      - OWN=1\n", "      - LD_PRELOAD=/evil.so\n      - DOCKER_HOST=tcp://evil\n")
    lab.up(app(recipe(tmp_path / "recipe", compose=evil)))
    told = zip(lab.runner.calls, lab.runner.stdins, lab.runner.environments, strict=True)
    given = [(stdin, env) for call, stdin, env in told if "nginx:1.26.3" in call]
    ((stdin, env),) = given
    assert stdin
    assert "LD_PRELOAD=/evil.so\n" in stdin
    assert env == lab.engine.environment


@pytest.mark.parametrize("pair", ['"A=1\\nB=2"', '"A B=1"'])
def test_a_variable_that_docker_can_not_read_from_a_file_is_named(
    lab: Lab, tmp_path: Path, pair: str
) -> None:
    odd = ROUTED.replace("      - OWN=1\n", f"      - {pair}\n")
    with pytest.raises(
        UsageError, match=r"services.app.environment.A( B)?: a plain container takes one line"
    ):
        lab.up(app(recipe(tmp_path / "recipe", compose=odd)))


def test_what_a_plain_container_would_lose_is_named(lab: Lab, tmp_path: Path) -> None:
    odd = ROUTED.replace("    image: postgres:15\n", "    image: postgres:15\n    sysctls: {a: 1}\n")
    with pytest.raises(UsageError, match=r"services.db.sysctls"):
        lab.up(app(recipe(tmp_path / "recipe", compose=odd)))
