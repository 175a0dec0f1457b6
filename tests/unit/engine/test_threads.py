"""What threads share of the engine: each gets its own answers, whatever the others do."""

import http.server
import json
import shlex
import socketserver
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
import pytest
from docker.transport.unixconn import UnixHTTPAdapter
from small_recipe import node, recipe

from cc_ci.engine.abra_driver import AbraDriver
from cc_ci.engine.docker_engine import DockerEngine, connect
from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.labels import STACK
from cc_ci.engine.overlay import Overlay
from cc_ci.engine.stack_driver import StackDriver
from cc_ci.recipes.configuring import configure
from cc_ci.recipes.recipe import read_recipe
from cc_ci.recipes.secrets import SecretSpec
from cc_ci.recipes.stack import read_stack
from cc_ci.system.process import Completed, LocalRunner, ScriptedRunner
from cc_ci.timing.trace import Trace

THREADS, CALLS = 16, 60


class Answering(http.server.BaseHTTPRequestHandler):
    """As much of an engine as is asked for here: each answer says what it was asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        words = path.strip("/").split("/")
        if words[-1] == "version":
            self._say({"ApiVersion": "1.45", "MinAPIVersion": "1.24"})
        elif words[-1] == "json" and words[-3] == "containers":
            self._say(
                {"Id": words[-2], "Name": f"/{words[-2]}", "State": {"Status": "running"}, "Config": {}}
            )
        else:
            self._say([{"ID": unquote(self.path), "Spec": {"Name": unquote(self.path)}}])

    def _say(self, answer: object) -> None:
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None: ...
    def address_string(self) -> str:
        return "local"


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DockerEngine]:
    monkeypatch.setenv("CC_CI_RUNTIME", str(tmp_path / "runtime"))
    socket = tmp_path / "engine.sock"
    with Server(str(socket), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        here = msgspec.structs.replace(node(), docker_host=f"unix://{socket}")
        yield connect(here, ScriptedRunner())
        server.shutdown()


def test_many_threads_get_their_own_answers_of_the_engine(engine: DockerEngine) -> None:
    """Each asks for things of its own, as steps of several chains do."""

    def work(thread: int) -> None:
        for call in range(CALLS):
            name = f"c{thread}-{call}"
            found = engine.container(name)
            assert found is not None
            assert found.id == name
            (listed,) = engine.secrets({STACK: name})
            assert name in listed.name

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(work, range(THREADS)))


def test_a_call_is_not_cut_off_by_what_other_threads_ask_meanwhile(
    engine: DockerEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docker-py closes the pool of the URL that was used least lately, whoever is about to use it."""
    address = UnixHTTPAdapter.request_url

    def late(self: UnixHTTPAdapter, request: Any, proxies: Any) -> Any:
        if "/mine/" in request.url:
            for number in range(30):
                engine.container(f"other-{number}")
        return address(self, request, proxies)

    monkeypatch.setattr(UnixHTTPAdapter, "request_url", late)
    found = engine.container("mine")
    assert found is not None
    assert found.id == "mine"


class Abra:
    """A runner whose abra says what it finds in its ABRA_DIR, by the domain that it is called with."""

    def __init__(self) -> None:
        self.deployed: dict[str, str] = {}
        self.inserted: dict[str, str] = {}
        self._git = LocalRunner()

    def __call__(self, argv: Sequence[str], **options: Any) -> Completed:
        if argv[0] == "git":
            return self._git(argv, **options)
        home, words = Path(options["env"]["ABRA_DIR"]), shlex.split(argv[4])
        if words[1:3] == ["app", "deploy"]:
            self.deployed[words[3]] = (home / "recipes/small/site.conf").read_text()
        if words[1:4] == ["app", "secret", "insert"]:
            self.inserted[words[4]] = Path(words[7]).read_text()
        return Completed(argv=tuple(argv), returncode=0, stdout="", stderr="")


def test_apps_of_one_recipe_have_a_checkout_and_a_secret_file_each(tmp_path: Path) -> None:
    """As where one chain installs the new version while another has the old one."""
    abra, engine, all_laid_out = Abra(), FakeEngine(), threading.Barrier(4, timeout=20)
    stacks = StackDriver(engine, abra, node(), engine.clock)
    trace = Trace(engine.clock)
    driver = AbraDriver(
        stacks, engine, abra, home=tmp_path / "abra", span=lambda name: trace.span(name, phase="deploy")
    )

    def work(number: int) -> None:
        root = recipe(tmp_path / str(number) / "small")
        (root / "site.conf").write_text(f"version {number}")
        app = configure(read_recipe(root), domain=f"small-{number}.ci.test")
        spec = SecretSpec(name="db", swarm_name=f"{app.stack_name}_db_v1", length=8, charset="default")
        for turn in range(5):
            value = f"secret {number} of turn {turn}"
            driver.make_secrets(app, [spec], given={"db": value}, labels={})
            driver.write(app, read_stack(app), Overlay(content={}), tmp_path / f"run-{number}")
            all_laid_out.wait()
            driver.deploy(app, tmp_path / f"run-{number}")
            assert abra.inserted[app.domain] == value
            assert abra.deployed[app.domain] == f"version {number}"

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
