"""The request itself; entering another namespace takes root and is an integration test."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import msgspec
import pytest
from local_server import served

from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.node import Node
from cc_ci.engine.state import ContainerState
from cc_ci.errors import InfrastructureError
from cc_ci.probes import containers
from cc_ci.probes.containers import ask_in, straight
from cc_ci.probes.helper import MARK, PROBE_IMAGE
from cc_ci.system.process import ScriptedRunner

FAR = Node(
    name="far", kind="foreign", docker_host="ssh://far", address="192.0.2.1", ci_domain="ci.test", ipvs=True
)
RUNNING = ContainerState(
    id="c1",
    state="running",
    pid=4242,
    exit_code=None,
    oom_killed=False,
    health=None,
    health_output=(),
    created=1.0,
    started=1.0,
    finished=None,
    addresses={"internal": "10.0.3.7"},
)


class Management(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(503 if self.path == "/health/ready" else 200)
        self.send_header("X-Path", self.path)
        self.end_headers()
        self.wfile.write(b"DOWN")


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A container's server in this namespace, which every user may ask."""
    monkeypatch.setattr(containers, "_enter", lambda _descriptor: None)
    with served(Management) as port:
        yield port


def test_an_answer_of_any_status_is_one(port: int) -> None:
    answer = ask_in(containers.OWN_NETWORK, f"http://127.0.0.1:{port}/health/ready", timeout=5)
    assert (answer.status, answer.body, answer.problem) == (503, "DOWN", None)
    assert answer.headers["x-path"] == "/health/ready"


def test_a_port_where_nobody_listens_is_a_problem_of_the_answer(port: int) -> None:
    answer = ask_in(containers.OWN_NETWORK, "http://127.0.0.1:1/", timeout=5)
    assert answer.problem is not None
    assert (answer.problem.kind, "refused" in answer.problem.detail) == ("unreachable", True)


def test_a_container_that_went_meanwhile_is_a_problem_of_the_answer() -> None:
    answer = ask_in(Path("/proc/nobody/ns/net"), "http://127.0.0.1:1/", timeout=5)
    assert answer.problem is not None
    engine = FakeEngine()
    asked = straight(FAR, engine, ScriptedRunner())("c1", port=9000, path="/x", timeout=5)
    assert str(asked) == "http://127.0.0.1:9000/x: unreachable: the container is gone"


def test_on_a_foreign_node_a_helper_in_the_containers_network_asks() -> None:
    engine, runner = FakeEngine(), ScriptedRunner()
    engine.states["c1"] = RUNNING
    runner.on("docker", "run", stdout=f"HTTP/1.1 200 OK\r\n\r\nUP{MARK}200 0.1")
    answer = straight(FAR, engine, runner, labels={"cc-ci.run": "r1"})("c1", port=9000, path="/x", timeout=5)
    assert (answer.status, answer.body) == (200, "UP")
    (call,) = runner.calls
    assert {"--network=container:c1", "--label=cc-ci.run=r1", PROBE_IMAGE, "::10.0.3.7:"} <= set(call)
    assert call[-1] == "http://10.0.3.7:9000/x"


def test_a_foreign_node_without_the_helpers_image_is_our_fault() -> None:
    engine, runner = FakeEngine(), ScriptedRunner()
    engine.states["c1"] = msgspec.structs.replace(RUNNING, addresses={})
    runner.on("docker", "run", stderr="docker: image not found", returncode=125)
    with pytest.raises(InfrastructureError, match="its helper container did not run"):
        straight(FAR, engine, runner)("c1", port=9000, path="/x", timeout=5)
