"""A Swarm that is there already: here a second private node, used as if it were somebody's server."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cc_ci.engine.docker_engine import connect
from cc_ci.engine.node import Node
from cc_ci.errors import InfrastructureError, UsageError
from cc_ci.isolation.census import Census, lasting_leaks, take
from cc_ci.isolation.leases import Keeper, leased
from cc_ci.isolation.locks import locked, try_lock
from cc_ci.lab.builds import build, outdated
from cc_ci.lab.certificates import IN_PROXY, lab_authority
from cc_ci.lab.foreign import foreign
from cc_ci.lab.images import read_images, select
from cc_ci.lab.node import PrivateNode
from cc_ci.lab.proxy import SOCKET, STOCK_REFRESH, STOCK_THROTTLE, traefik_argv
from cc_ci.lab.workshop import workshop
from cc_ci.results.checks import unexplained
from cc_ci.results.schema import RunResult
from cc_ci.results.store import Store
from cc_ci.system.clock import SystemClock
from cc_ci.system.process import LocalRunner, check

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("busybox")]

NAME = "fore"


def docker(node: Node, *arguments: str) -> None:
    check(LocalRunner()(["docker", *arguments], env={"DOCKER_HOST": node.docker_host}))


@pytest.fixture(scope="module")
def restic() -> None:
    """The image of the helper containers, as a foreign node would pull it."""
    if outdated(wanted := select(read_images(), ["restic"])):
        with workshop(runner=LocalRunner(), clock=SystemClock(), say=print) as builder:
            build(outdated(wanted), builder=builder)


@pytest.fixture(scope="module")
def host(restic: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A server as its operator has it: a network `proxy`, its proxy in it, a certificate for its domain."""
    private = PrivateNode(NAME)
    private.forget()
    node = private.up()
    docker(node, "network", "create", "--driver", "overlay", "--attachable", "proxy")
    start_proxy(node, tmp_path_factory.mktemp("certificates"))
    yield node
    private.forget()


def start_proxy(node: Node, folder: Path) -> None:
    """A Traefik as co-ops run it: one for the whole server, with the engine's own socket."""
    chain, key = lab_authority().issue("*.ci.test")
    (folder / "all.pem").write_bytes(chain)
    (folder / "all.key").write_bytes(key)
    pair = {"certFile": f"{IN_PROXY}/all.pem", "keyFile": f"{IN_PROXY}/all.key"}
    (folder / "all.yml").write_text(json.dumps({"tls": {"certificates": [pair]}}))
    ports = [f"--publish={node.address}:{port}:{port}" for port in (80, 443)]
    mounts = [
        f"--volume={node.docker_host.removeprefix('unix://')}:{SOCKET}",
        f"--volume={folder}:{IN_PROXY}:ro",
    ]
    (image,) = [tag for one in connect(node, LocalRunner()).images() for tag in one.tags]
    flags = traefik_argv(refresh=STOCK_REFRESH, throttle=STOCK_THROTTLE)
    docker(node, "run", "--detach", "--name=traefik", "--userns=host", *ports, *mounts, image, *flags)
    docker(node, "network", "connect", "proxy", "traefik")


@pytest.fixture(scope="module")
def options(host: Node) -> list[str]:
    trust = str(lab_authority().certificate)
    return ["--node", host.docker_host, "--address", host.address, "--authority", trust]


@pytest.fixture(scope="module")
def ran(options: list[str], tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    runs = tmp_path_factory.mktemp("runs")
    called = subprocess.run(
        [sys.executable, "-m", "cc_ci", "run", "pocket", "--stage", "restore", *options],
        env={**os.environ, "CC_CI_RUNS": str(runs)},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert called.returncode == 0, called.stdout
    return Store(runs).load()


def test_a_backup_comes_back_through_helper_containers(ran: RunResult) -> None:
    assert ran.environment.node_kind == "foreign"
    shown = {test.name for stage in ran.stages if stage.name == "restore" for test in stage.tests}
    assert {"backup: the marker is back", "fresh: the marker is back", "fresh: later data is gone"} <= shown


def test_what_can_t_be_measured_is_null_with_a_reason(ran: RunResult) -> None:
    assert ran.resources[0].stack.cpu_seconds is None
    assert unexplained(ran) == ()


def test_what_is_less_than_on_a_private_node_is_said(ran: RunResult) -> None:
    assert "shared-proxy" in {warning.code for warning in ran.warnings}


def test_nothing_of_the_run_is_left(ran: RunResult, host: Node) -> None:
    assert ran.census.leaks == ()
    engine = connect(host, LocalRunner())
    own = Census(items=tuple(item for item in take(engine).items if item.run is None))
    assert lasting_leaks(engine, own, clock=SystemClock())[0] == ()


def test_only_one_run_has_the_shared_proxy(host: Node) -> None:
    engine = connect(host, LocalRunner())
    with (
        leased(Keeper(engine, run="first")),
        locked(engine, what="proxy", run="first", clock=SystemClock(), timeout=5),
        leased(Keeper(engine, run="second")),
    ):
        refused = try_lock(engine, what="proxy", run="second")
    assert refused is not None
    assert "in use by run first" in refused


def test_a_docker_context_names_it_too(host: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    runner = LocalRunner()
    check(runner(["docker", "context", "create", "theirs", "--docker", f"host={host.docker_host}"]))
    node = foreign("theirs", ci_domain="ci.test", runner=runner, address=host.address)
    assert node.kind == "foreign"
    assert json.loads(runner(["docker", "context", "inspect", "theirs"]).stdout)[0]["Name"] == "theirs"
    assert connect(node, runner).system().swarm


def test_a_node_without_the_network_is_told_what_to_make(node: Node) -> None:
    with pytest.raises(UsageError, match="has no network proxy; `docker network create"):
        foreign(node.docker_host, ci_domain="ci.test", runner=LocalRunner())


def test_a_node_that_does_not_answer_is_said() -> None:
    with pytest.raises(InfrastructureError, match="does not answer"):
        foreign("unix:///nowhere.sock", ci_domain="ci.test", runner=LocalRunner())
