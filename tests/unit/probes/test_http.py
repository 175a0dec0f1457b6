import http.server
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest
import trustme

from cc_ci.engine.node import Node
from cc_ci.probes.answers import BODY_LIMIT, get
from cc_ci.probes.http import Probe, reachable

HOST = "app-1a2b.ci.test"


class App(http.server.BaseHTTPRequestHandler):
    seen: ClassVar[list[tuple[str, str, str]]] = []

    def do_GET(self) -> None:
        length = int(self.headers.get("content-length", 0))
        sent = self.rfile.read(length).decode()
        self.seen.append((self.command, self.headers["host"], sent))
        status, body = {"/big": (200, "x" * 2 * BODY_LIMIT), "/away": (302, "")}.get(
            self.path, (200, "hello")
        )
        self.send_response(status)
        self.send_header("X-Kept", "Yes")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    do_PUT = do_GET  # noqa: N815 - the server looks for this name

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def node(tmp_path: Path, authority: trustme.CA) -> Node:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return Node(
        name="lab",
        kind="private",
        docker_host="unix:///nowhere",
        address="127.0.0.1",
        ci_domain="ci.test",
        ipvs=True,
        ca_certificate=tmp_path / "ca.pem",
    )


def serve(certificate: trustme.LeafCert) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), App)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def port(authority: trustme.CA) -> Iterator[int]:
    yield from serve(authority.issue_cert(HOST))


@pytest.fixture
def wrong_port(authority: trustme.CA) -> Iterator[int]:
    yield from serve(authority.issue_cert("elsewhere.ci.test"))


@pytest.fixture
def foreign_port() -> Iterator[int]:
    yield from serve(trustme.CA().issue_cert(HOST))


def test_a_name_that_no_resolver_knows_is_asked_for_at_the_nodes_address(node: Node, port: int) -> None:
    with Probe(node) as probe:
        answer = get(probe, f"https://{HOST}:{port}/")
    assert (answer.status, answer.body, answer.problem) == (200, "hello", None)
    assert answer.headers["x-kept"] == "Yes"
    assert answer.certificate is not None
    assert answer.certificate.names == (HOST,)
    assert App.seen[-1] == ("GET", f"{HOST}:{port}", "")


def test_content_is_sent(node: Node, port: int) -> None:
    with Probe(node) as probe:
        assert probe.request("PUT", f"https://{HOST}:{port}/page", content="words").status == 200
    assert App.seen[-1] == ("PUT", f"{HOST}:{port}", "words")


def test_a_redirect_is_an_answer_and_not_followed(node: Node, port: int) -> None:
    with Probe(node) as probe:
        assert get(probe, f"https://{HOST}:{port}/away").status == 302


def test_of_a_long_body_the_beginning_is_kept(node: Node, port: int) -> None:
    with Probe(node) as probe:
        assert len(get(probe, f"https://{HOST}:{port}/big").body) == BODY_LIMIT


def test_another_names_certificate_is_a_problem_that_tells_whose_it_is(node: Node, wrong_port: int) -> None:
    with Probe(node) as probe:
        answer = get(probe, f"https://{HOST}:{wrong_port}/")
    assert answer.status is None
    assert answer.problem is not None
    assert answer.problem.kind == "certificate"
    assert answer.certificate is not None
    assert answer.certificate.names == ("elsewhere.ci.test",)


def test_an_authority_that_is_not_the_labs_is_not_trusted(node: Node, foreign_port: int) -> None:
    with Probe(node) as probe:
        answer = get(probe, f"https://{HOST}:{foreign_port}/")
    assert answer.problem is not None
    assert answer.problem.kind == "certificate"


def test_on_a_foreign_node_a_further_authority_may_be_trusted(node: Node, port: int) -> None:
    foreign = msgspec.structs.replace(node, kind="foreign")
    with Probe(foreign) as probe:
        assert get(probe, f"https://{HOST}:{port}/").status == 200
    with Probe(msgspec.structs.replace(foreign, ca_certificate=None)) as probe:
        answer = get(probe, f"https://{HOST}:{port}/")
    assert answer.problem is not None
    assert answer.problem.kind == "certificate"


def test_nobody_listening_is_unreachable(node: Node) -> None:
    with Probe(node) as probe:
        answer = get(probe, f"https://{HOST}:1/")
    assert answer.problem is not None
    assert answer.problem.kind == "unreachable"
    assert not reachable("127.0.0.1", port=1)


def test_a_reachable_port_is_told_as_such(port: int) -> None:
    assert reachable("127.0.0.1", port=port)
