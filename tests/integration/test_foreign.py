"""A Swarm that is there already: here a second private node, used as if it were somebody's server."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from calling import QUICK
from nodes_of_tests import wanted

from cc_ci.engine.docker_engine import connect
from cc_ci.engine.labels import EXPIRES, RUN, RunLabels
from cc_ci.engine.node import Node
from cc_ci.errors import InfrastructureError, UsageError
from cc_ci.isolation.census import NodeCensus, lasting_difference, take
from cc_ci.isolation.leases import Keeper
from cc_ci.isolation.locks import locked, try_lock
from cc_ci.lab.builds import build, outdated
from cc_ci.lab.certificates import IN_PROXY, lab_authority
from cc_ci.lab.foreign import foreign
from cc_ci.lab.images import read_images, select
from cc_ci.lab.node import PrivateNode
from cc_ci.lab.proxy import SOCKET, STOCK_REFRESH, STOCK_THROTTLE, traefik_argv
from cc_ci.lab.workshop import workshop
from cc_ci.results.schema import RunResult
from cc_ci.results.store import Store
from cc_ci.system.clock import SystemClock
from cc_ci.system.process import LocalRunner, check
from cc_ci.system.units import EpochSeconds
from cc_ci.testkit.leases import leased
from cc_ci.testkit.results import unexplained

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("busybox")]

NAME = "fore"
IMAGE = "busybox:1.37.0"


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
    node = private.up(wanted())
    docker(node, "network", "create", "--driver", "overlay", "--attachable", "proxy")
    start_proxy(node, tmp_path_factory.mktemp("certificates"))
    docker(node, "volume", "create", "old")
    docker(node, "pull", IMAGE)
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
def ran(host: Node, options: list[str], tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """A run beside which the server's operator works: see `operate`."""
    runs = tmp_path_factory.mktemp("runs")
    process = subprocess.Popen(
        [sys.executable, "-m", "cc_ci", "run", "pocket", "--stage", "restore", *QUICK, *options],
        env={**os.environ, "CC_CI_RUNS": str(runs)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said: list[str] = []
    for line in process.stderr:
        if "waiting for hooks and restic" in line and not any("hooks and restic" in one for one in said):
            operate(host)
        said.append(line)
    assert process.wait(timeout=60) == 0, "".join(said)
    return Store(runs).load()


def operate(host: Node) -> None:
    """What an operator may do meanwhile: start a container with an anonymous volume, and remove one."""
    docker(host, "run", "--detach", "--name=theirs", "--volume=/data", IMAGE, "sleep", "100000")
    docker(host, "network", "create", "theirs")
    docker(host, "volume", "create", "theirs")
    docker(host, "volume", "rm", "old")


def test_a_backup_comes_back_through_helper_containers(ran: RunResult) -> None:
    assert ran.environment.node_kind == "foreign"
    shown = {
        (test.deployment, test.id) for stage in ran.stages if stage.name == "restore" for test in stage.tests
    }
    assert {
        ("backup", "the marker is back"),
        ("fresh", "the marker is back"),
        ("fresh", "later data is gone"),
    } <= shown


def test_what_can_t_be_measured_is_null_with_a_reason(ran: RunResult) -> None:
    assert ran.resources[0].stack.cpu_seconds is None
    assert unexplained(ran) == ()


def test_what_is_less_than_on_a_private_node_is_said(ran: RunResult) -> None:
    assert "shared-proxy" in {warning.code for warning in ran.warnings}


@pytest.mark.attack(
    what="Somebody works on the server while a run goes: containers, volumes and networks come and go.",
    before="The run was blamed for all of it, and ended as contaminated.",
    now="Nobody is blamed; there is a warning for things whose owner is unknown.",
    layer="census",
)
def test_what_others_did_meanwhile_is_nobodys_fault(ran: RunResult, host: Node) -> None:
    assert (ran.exit_code, ran.census.leaks) == (0, ())
    (told,) = [warning.message for warning in ran.warnings if warning.code == "unclear"]
    for thing in ("container theirs", "network theirs", "volume theirs", "volume old"):
        assert thing in told
    there = {item.name for item in take(connect(host, LocalRunner())).items}
    assert "theirs" in there


@pytest.mark.attack(
    what="Things on somebody's server carry a dead run's name: one copied, one in use, one made manually.",
    before="`cc-ci reap` removed them all, and took a container out of its network.",
    now="They are left and reported with the reason; what a dead run really made is removed.",
    layer="census",
)
def test_a_label_alone_is_not_enough_to_be_removed(host: Node, options: list[str]) -> None:
    engine = connect(host, LocalRunner())
    labels = RunLabels(
        run="web-20260131-120000-1a2b",
        recipe="web",
        deployment="install",
        expires=EpochSeconds(engine.now() + 60),
    ).all()
    engine.create_volume("by-hand", labels={RUN: labels[RUN]})
    engine.create_volume("copied", labels={**labels, EXPIRES: "1700000000"})
    engine.create_volume("in-use", labels=labels)
    engine.create_volume("made", labels=labels)
    docker(host, "run", "--detach", "--name=user", "--volume=in-use:/data", IMAGE, "sleep", "100000")
    argv = [sys.executable, "-m", "cc_ci", "reap", *options[:2], "--run", labels[RUN]]
    called = subprocess.run(argv, capture_output=True, text=True, check=False)
    there = {volume.name for volume in engine.volumes()}
    docker(host, "rm", "--force", "user")
    for name in ("by-hand", "copied", "in-use"):
        docker(host, "volume", "rm", name)
    assert called.returncode == 0, called.stderr
    assert "made" not in there
    for line in (
        "left     volume by-hand: it has a run's label and no cc-ci.recipe",
        "left     volume copied: it is from",
        "left     volume in-use: container user, which is not of that run, uses it",
        "removed  volume made",
    ):
        assert line in called.stdout


def test_nothing_of_the_run_is_left(ran: RunResult, host: Node) -> None:
    assert ran.census.leaks == ()
    engine = connect(host, LocalRunner())
    own = NodeCensus(items=tuple(item for item in take(engine).items if item.run is None))
    assert lasting_difference(engine, own, clock=SystemClock())[0].leaks == ()


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
    where = {"DOCKER_CONFIG": str(tmp_path)}
    made = ["docker", "context", "create", "theirs", "--docker", f"host={host.docker_host}"]
    check(runner(made, env=where))
    node = foreign("theirs", ci_domain="ci.test", runner=runner, address=host.address)
    assert node.kind == "foreign"
    assert (
        json.loads(runner(["docker", "context", "inspect", "theirs"], env=where).stdout)[0]["Name"]
        == "theirs"
    )
    assert connect(node, runner).system().swarm


def test_a_node_without_the_network_is_told_what_to_make(node: Node) -> None:
    with pytest.raises(UsageError, match="has no network proxy; `docker network create"):
        foreign(node.docker_host, ci_domain="ci.test", runner=LocalRunner())


def test_a_node_that_does_not_answer_is_said() -> None:
    with pytest.raises(InfrastructureError, match="does not answer"):
        foreign("unix:///nowhere.sock", ci_domain="ci.test", runner=LocalRunner())
