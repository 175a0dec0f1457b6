"""An app is asked at its container as its proxy would ask it."""

import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import msgspec
import pytest
from local_server import served

from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.state import ContainerState
from cc_ci.probes import containers
from cc_ci.probes.doors import AtDoor

RUNNING = ContainerState(
    id="c1",
    state="running",
    pid=os.getpid(),
    exit_code=None,
    oom_killed=False,
    health=None,
    health_output=(),
    created=1.0,
    started=1.0,
    finished=None,
    addresses={"proxy": "127.0.0.1"},
)


class Told(BaseHTTPRequestHandler):
    """Answers with what it was asked."""

    def do_GET(self) -> None:
        scheme = self.headers["X-Forwarded-Proto"]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{scheme} {self.headers['Host']} {self.path} {self.headers['X-Own']}".encode())


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A container's server in this namespace, which every user may ask."""
    monkeypatch.setattr(containers, "_enter", lambda _descriptor: None)
    with served(Told) as port:
        yield port


def test_it_hears_of_name_scheme_and_path_as_from_its_proxy(port: int) -> None:
    engine = FakeEngine()
    engine.states["c1"] = RUNNING
    door = AtDoor(engine, locate=lambda: "c1", port=port)
    url = "https://app.ci.test/front?a=1"
    answer = door.request("GET", url, headers={"x-own": "yes"})
    assert (answer.status, answer.url) == (200, url)
    assert answer.body == "https app.ci.test /front?a=1 yes"


@pytest.mark.parametrize("pid", [None, 4242])
def test_a_container_without_an_address_or_process_is_not_there_yet(pid: int | None) -> None:
    engine = FakeEngine()
    engine.states["c1"] = msgspec.structs.replace(RUNNING, pid=pid, addresses={})
    for locate in (lambda: "c1", lambda: "gone", lambda: None):
        answer = AtDoor(engine, locate=locate, port=80).request("GET", "https://app.ci.test/")
        assert answer.problem is not None
        assert answer.problem.kind == "unreachable"
