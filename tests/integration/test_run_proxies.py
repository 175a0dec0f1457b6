"""Runs' proxies on a real node: what leads to them, what they see, and what becomes of them.

The apps behind them are Traefik's own binary, which a node has at hand; each answers with its own word.
"""

import contextlib
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
from nodes_of_tests import ready_for, wanted

from cc_ci.engine.docker_engine import DockerEngine, connect
from cc_ci.engine.labels import SERVES
from cc_ci.engine.node import Node
from cc_ci.errors import InfrastructureError
from cc_ci.isolation.census import lasting_difference, take
from cc_ci.isolation.leases import Keeper
from cc_ci.isolation.reaper import Reaper
from cc_ci.lab import node as lab_node
from cc_ci.lab import proxy_services
from cc_ci.lab.certificates import certify
from cc_ci.lab.names import lead
from cc_ci.lab.places import places
from cc_ci.lab.run_proxy import RunProxy, forget
from cc_ci.probes.answers import Answer, get
from cc_ci.probes.http import Probe
from cc_ci.recipes.rule import Syntax
from cc_ci.system.clock import SystemClock
from cc_ci.system.identity import Identity
from cc_ci.system.process import Completed, LocalRunner, check
from cc_ci.system.waiting import wait_until
from cc_ci.testkit.leases import leased

NAME = "prox" + os.environ.get("PYTEST_XDIST_WORKER", "")
"""Tests side by side have a node each."""

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("busybox")]

RUN = LocalRunner()
ROUTER = "traefik.http.routers"
"""Where a service's labels begin."""


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    yield ready_for(NAME).up(wanted(refresh=1.0, throttle=0.1))
    lab_node.down(NAME)


@pytest.fixture(scope="module")
def engine(node: Node) -> DockerEngine:
    return connect(node, RUN)


@pytest.fixture(autouse=True, scope="module")
def left_as_found(node: Node, engine: DockerEngine) -> Iterator[None]:
    reaper(node, engine).reap()
    before = take(engine)
    yield
    assert lasting_difference(engine, before, clock=SystemClock())[0].leaks == ()
    assert list(places(NAME).proxies.iterdir()) == []


def reaper(node: Node, engine: DockerEngine) -> Reaper:
    return Reaper(engine, clock=SystemClock(), forget_proxies=lambda runs: forget(node, engine, runs))


class Side:
    """One run with its proxy and its apps; all of it goes when it is closed.

    With `run` it is one deployment of that run, behind a proxy of its own, at the run's one domain.
    """

    def __init__(self, name: str, node: Node, engine: DockerEngine, *, run: str | None = None) -> None:
        self.name = name
        self.run = run or name
        self.domain = f"{self.run}-1a2b3c.ci.test"
        self._engine = engine
        self._ends = ExitStack()
        labels = {"cc-ci.run": self.run, **({SERVES: name} if run else {})}
        self.proxy = RunProxy(node, engine, RUN, labels=labels, clock=SystemClock())
        self._ends.callback(self.proxy.remove)
        self.node = self.proxy.start()
        self.network = f"{name}_ccproxy"
        engine.create_network(self.network, labels={"cc-ci.run": self.run, "cc-ci.deployment": name})
        self._ends.callback(engine.remove_network, self.network)
        engine.connect_network(self.network, self.container, aliases=(self.domain,) if run else ())
        self._ends.callback(engine.disconnect_network, self.network, self.container)
        lead(self.node, self.domain)
        certify(self.node, self.domain)

    @property
    def container(self) -> str:
        assert self.node.proxy_container is not None
        return self.node.proxy_container

    def close(self) -> None:
        self._ends.close()

    def deploy(self, labels: Mapping[str, str], *, service: str | None = None, **network: str) -> None:
        """A service of this run whose every page is this run's name; `labels` are the recipe's."""
        name = service or self.name
        every = {
            "cc-ci.run": self.run,
            "cc-ci.deployment": self.name,
            "traefik.enable": "true",
            "traefik.swarm.network": network.get("told", self.network),
            f"traefik.http.services.{name}.loadbalancer.server.port": "8080",
            **labels,
        }
        options = [f"--label={key}={value}" for key, value in every.items() if value]
        options += [f"--network={self.network}", "--endpoint-mode=dnsrr", f"--name={name}"]
        says = f"mkdir /w && echo {self.name} > /w/index.html && exec httpd -f -p 8080 -h /w"
        argv = ["docker", "service", "create", "--detach", "--no-resolve-image", *options]
        self._ends.callback(self._remove, name)
        check(RUN([*argv, "busybox:1.37.0", "sh", "-c", says], env=self._engine.environment))

    def route(self, host: str | None = None, *, router: str | None = None, **more: str) -> dict[str, str]:
        """Labels of a sound router for the run's own domain."""
        own = {"rule": f"Host(`{host or self.domain}`)", "entrypoints": "web-secure", "tls": "true"}
        return {f"{ROUTER}.{router or self.name}.{key}": value for key, value in {**own, **more}.items()}

    def _remove(self, service: str) -> None:
        self._engine.remove_service(service)
        for container in self._engine.containers({"com.docker.swarm.service.name": service}):
            self._engine.remove_container(container.id)

    def get(self, *, host: str | None = None) -> Answer:
        with Probe(self.node) as probe:
            return get(probe, f"https://{host or self.domain}/")

    def await_answer(self, ready: Callable[[Answer], bool], *, host: str | None = None) -> Answer:
        return wait_until(
            lambda: self.get(host=host),
            name=f"answer of {host or self.domain}",
            ready=ready,
            timeout=20,
            clock=SystemClock(),
            interval=0.1,
        )


def test_two_apps_of_one_domain_are_each_behind_their_own_proxy(node: Node, engine: DockerEngine) -> None:
    """Each proxy leads to its own app, and an app that asks for itself gets itself."""
    with contextlib.ExitStack() as ends:
        sides = [Side(name, node, engine, run="both") for name in ("one", "other")]
        for side in sides:
            ends.callback(side.close)
            side.deploy(side.route())
        for side in sides:
            side.await_answer(says(side.name))
        for side in sides * 3:
            assert says(side.name)(side.get())
            (app,) = engine.containers({"com.docker.swarm.service.name": side.name})
            found = engine.exec(app.id, ("nslookup", side.domain, "127.0.0.11")).stdout
            proxy = engine.container(side.container)
            assert proxy is not None
            assert proxy.addresses[side.network] in found


def says(word: str) -> Callable[[Answer], bool]:
    return lambda answer: (answer.status, answer.body.strip()) == (200, word)


def status(code: int) -> Callable[[Answer], bool]:
    return lambda answer: answer.status == code


Starts = Callable[..., Side]


@pytest.fixture
def start(node: Node, engine: DockerEngine) -> Iterator[Starts]:
    """Begin a run with a proxy, which reads rules in `syntax`; it ends with the test."""
    with ExitStack() as ends:

        def begin(name: str, *, syntax: Syntax | None = None) -> Side:
            side = Side(name, msgspec.structs.replace(node, rule_syntax=syntax), engine)
            ends.callback(side.close)
            return side

        yield begin


def in_proxy(engine: DockerEngine, side: Side, *argv: str) -> Completed:
    """Run a program of this machine in a proxy's network, as the proxy's own user."""
    state = engine.container(side.container)
    assert state is not None
    user = str(1_700_000_000 + int(side.container.rpartition("-")[2]))
    identity = ("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--")
    return RUN(["nsenter", f"--net=/proc/{state.pid}/ns/net", "--", *identity, *argv], timeout=30)


STEALING = {
    "the other's host": {"rule": "Host(`{victim}`)", "priority": "9000000000"},
    "every host": {"rule": "HostRegexp(`.+`)", "priority": "9000000000"},
    "every path": {"rule": "PathPrefix(`/`)", "priority": "9000000000"},
}


@pytest.mark.attack(
    what="A recipe's router has another run's host, every host or every path, with the highest priority.",
    before="It answered instead of the other run's app and decided the other run's verdict.",
    now="Each run has a proxy of its own, which knows only its own run's services.",
    layer="engine",
)
def test_no_router_answers_for_another_run(start: Starts) -> None:
    victim, thief = start("vict"), start("thie")
    for number, stolen in enumerate(STEALING.values()):
        own = {"entrypoints": "web-secure", "tls": "true", **stolen}
        labels = {
            f"{ROUTER}.steal{number}.{key}": value.format(victim=victim.domain) for key, value in own.items()
        }
        thief.deploy(
            {**labels, f"{ROUTER}.steal{number}.service": f"steal{number}"}, service=f"steal{number}"
        )
    thief.deploy(thief.route())
    thief.await_answer(says("thie"))
    victim.deploy(victim.route())
    victim.await_answer(says("vict"))
    assert {victim.get().body.strip() for _ in range(20)} == {"vict"}


@pytest.mark.attack(
    what="A recipe takes all TLS connections: a TCP router with HostSNI(`*`).",
    before="TCP routers come first: the recipe got every other run's connections.",
    now="It gets only the connections to its own run's address.",
    layer="engine",
)
def test_no_tcp_router_takes_another_run_s_connections(start: Starts) -> None:
    victim, thief = start("vict"), start("thie")
    victim.deploy(victim.route())
    victim.await_answer(says("vict"))
    tcp = "traefik.tcp.routers.all"
    thief.deploy(
        {
            f"{tcp}.rule": "HostSNI(`*`)",
            f"{tcp}.entrypoints": "web-secure",
            f"{tcp}.priority": "9000000000",
            f"{tcp}.tls.passthrough": "true",
            "traefik.tcp.services.all.loadbalancer.server.port": "8080",
        }
    )
    # its own run's connections are broken by it: the app speaks no TLS
    thief.await_answer(lambda answer: answer.problem is not None)
    assert says("vict")(victim.get())


@pytest.mark.attack(
    what="A recipe's router names another run's service or middleware by the provider's name.",
    before="All runs shared one proxy: the recipe's own domain showed another run's app.",
    now="The run's proxy does not know them, so it does not create the router.",
    layer="engine",
)
@pytest.mark.parametrize("other", ["service", "middlewares"])
def test_no_reference_reaches_another_run_s(start: Starts, other: str) -> None:
    victim, thief = start("vict"), start("thie")
    shut = {"traefik.http.middlewares.shut.ipallowlist.sourcerange": "192.0.2.1/32"}
    victim.deploy({**victim.route(), **shut})
    thief.deploy(thief.route(**{other: {"service": "vict@swarm", "middlewares": "shut@swarm"}[other]}))
    victim.await_answer(says("vict"))
    seen = thief.await_answer(lambda answer: answer.certificate is not None and answer.problem is None)
    for _ in range(10):
        assert (seen.status, "vict" in seen.body) == (404, False)
        seen = thief.get()


@pytest.fixture
def elsewhere(node: Node) -> Iterator[str]:
    """A server of the machine's own, as the node sees it: it has an answer for everybody."""

    class Somebody(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404, "somebody's 404")

        def log_message(self, *_: object) -> None: ...

    host = node.address.rpartition(".")[0] + ".1"
    with http.server.ThreadingHTTPServer((host, 0), Somebody) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"{host}:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.attack(
    what="A service's label sends the proxy to an address outside: the machine's, or the internet's.",
    before="The proxy sent the request there and passed the answer on as the app's.",
    now="Connections that a proxy opens through its bridge are refused, and it answers 502 itself.",
    layer="engine",
)
@pytest.mark.parametrize("named", [False, True])
def test_no_label_leads_out_through_the_proxy(start: Starts, elsewhere: str, *, named: bool) -> None:
    side = start("outw")
    url = "traefik.http.services.outw.loadbalancer.server"
    to = "docker.io" if named else elsewhere
    side.deploy({**side.route(), f"{url}.url": f"http://{to}", f"{url}.port": ""})
    answer = side.await_answer(lambda answer: answer.status not in {None, 404} or "somebody" in answer.body)
    assert (answer.status, answer.body) in [(502, "Bad Gateway"), (504, "Gateway Timeout")]
    # a name is asked for once, for a second; an address is refused at once
    assert answer.seconds < (4 if named else 1)


def test_a_service_that_is_not_on_the_proxy_s_network_is_a_502_and_nobody_else_s_answer(
    start: Starts, engine: DockerEngine
) -> None:
    """As it was seen: the address is one of a network that the proxy has left, or was never in."""
    side = start("gone")
    side.deploy(side.route())
    side.await_answer(says("gone"))
    engine.disconnect_network(side.network, side.container)
    answer = side.await_answer(lambda answer: not says("gone")(answer))
    assert (answer.status, answer.body) == (502, "Bad Gateway")
    assert answer.seconds < 1


@pytest.mark.attack(
    what="A compromised proxy looks around: the node itself, its name server, the registry, the machine.",
    before="It reached all of them, and the internet.",
    now="It reaches only its run's networks; bridges of plain containers don't change that.",
    layer="engine",
)
def test_a_proxy_has_no_way_out(start: Starts, engine: DockerEngine, node: Node, elsewhere: str) -> None:
    side, other = start("look"), start("othr")
    bridge = "aaaa_bare"
    docker(engine, "network", "create", bridge)
    docker(engine, "network", "connect", bridge, side.container)
    record = lab_node.PrivateNode(NAME).record
    assert record is not None
    asked = ("curl", "--silent", "--output", "-", "--max-time", "4")
    try:
        for address in (
            elsewhere,
            f"{record.addresses.upstreams[0]}:443",
            f"{node.address}:53",
            f"{other.node.address}:80",
            f"{side.node.address}:80",
            "10.0.2.2:80",
            "192.0.2.1:80",
            "198.51.100.1:443",
        ):
            seen = in_proxy(engine, side, *asked, f"http://{address}/")
            assert (seen.returncode, seen.stdout) == (7, ""), address
            assert seen.seconds < 1, address
        packet = in_proxy(engine, side, sys.executable, "-I", "-c", DATAGRAM.format(address=node.address))
        assert "ConnectionRefusedError" in packet.stderr
    finally:
        docker(engine, "network", "disconnect", "--force", bridge, side.container)
        docker(engine, "network", "rm", bridge)


DATAGRAM = """
import socket
asks = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asks.settimeout(2)
asks.connect(({address!r}, 53))
asks.send(b"x" * 20)
asks.recv(100)
"""


def docker(engine: DockerEngine, *arguments: str) -> str:
    return check(RUN(["docker", *arguments], env=engine.environment)).stdout


@pytest.mark.attack(
    what="A compromised proxy uses the engine's socket to list, start and read other runs' services.",
    before="It had the engine's own socket, read-only only by its mount: that is root on the node.",
    now="It has a filtered socket and sees only its own run's services; everything else is refused.",
    layer="engine",
)
def test_a_proxy_sees_its_own_services_and_can_do_nothing(start: Starts, engine: DockerEngine) -> None:
    side, other = start("seen"), start("othr")
    side.deploy(side.route())
    other.deploy(other.route())
    other.await_answer(says("othr"))
    state = engine.container(side.container)
    assert state is not None
    socket = f"/proc/{state.pid}/root/run/cc-ci/docker.sock"

    def ask(*argv: str) -> tuple[str, str]:
        called = ("curl", "--silent", "--write-out", "\n%{http_code}", "--unix-socket", socket)
        body, _, code = check(in_proxy(engine, side, *called, *argv)).stdout.rpartition("\n")
        return code, body

    for what in ("services", "tasks", "networks"):
        code, body = ask(f"http://d/v1.41/{what}")
        assert code == "200"
        assert "othr" not in body
        assert json.loads(body)
    for argv in (
        ("http://d/v1.41/containers/json",),
        ("http://d/v1.41/secrets",),
        ("http://d/v1.41/events",),
        ("http://d/v1.41/services?filters=%7B%22label%22%3A%5B%22cc-ci.run%3Dothr%22%5D%7D",),
        ("--path-as-is", "http://d/v1.41/services/../containers/json"),
        ("--request", "POST", "--data", "{}", "http://d/v1.41/containers/create"),
        ("--request", "DELETE", "http://d/v1.41/services/othr"),
        ("--request", "POST", "--data", "{}", "http://d/v1.41/services/create"),
    ):
        code, body = ask(*argv)
        assert code in {"403", "501"} or (code == "200" and "othr" not in body), argv
    nobody = RUN(["curl", "-s", "--unix-socket", socket, "http://d/v1.41/services"])
    assert "there is none" in nobody.stdout


def test_a_proxy_has_no_privilege_and_nobody_else_s_keys(start: Starts, engine: DockerEngine) -> None:
    side, other = start("keys"), start("othr")
    state = engine.container(side.container)
    assert state is not None
    lines = Path(f"/proc/{state.pid}/status").read_text().splitlines()
    shown = {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}
    assert shown["CapEff"] == shown["CapBnd"] == "0" * 16
    assert shown["NoNewPrivs"] == "1"
    assert set(shown["Uid"].split()) == {str(1_700_000_000 + int(side.container.rpartition("-")[2]))}
    seen = {path.name for path in Path(f"/proc/{state.pid}/root/certificates").iterdir()}
    assert side.node.certificates is not None
    assert other.node.certificates is not None
    assert seen == {path.name for path in side.node.certificates.iterdir()}
    keys = list(other.node.certificates.glob("*.key"))
    assert keys
    assert not in_proxy(engine, side, "cat", str(keys[0])).ok


def test_the_end_of_one_run_leaves_the_other_s_certificate_name_and_address(
    start: Starts, engine: DockerEngine
) -> None:
    left, stays = start("left"), start("stay")
    stays.deploy(stays.route())
    stays.await_answer(says("stay"))
    assert names(left.domain) == left.node.address
    left.close()
    assert names(left.domain) is None
    assert names(f"any.{stays.domain}") == stays.node.address
    assert says("stay")(stays.get())


def names(host: str) -> str | None:
    """The address that a name has inside the node."""
    here = places(NAME)
    inside = (f"--net={here.network_namespace}", f"--mount={here.mount_namespace}")
    found = RUN(["nsenter", *inside, "--", "getent", "ahostsv4", host])
    return found.stdout.split()[0] if found.ok else None


def test_a_proxy_reads_rules_as_its_run_s_recipe_needs(start: Starts) -> None:
    of_2, of_3 = start("two", syntax="v2"), start("three", syntax="v3")
    for side in (of_2, of_3):
        further = f"www.{side.domain}"
        lead(side.node, further)
        certify(side.node, further)
        side.deploy(side.route(rule=f"Host(`{side.domain}`, `{further}`)"))
    for host in (of_2.domain, f"www.{of_2.domain}"):
        of_2.await_answer(says("two"), host=host)
    # the other proxy has looked since then, and dropped the router
    of_3.deploy(of_3.route(f"late.{of_3.domain}", router="late"), service="late")
    lead(of_3.node, f"late.{of_3.domain}")
    certify(of_3.node, f"late.{of_3.domain}")
    of_3.await_answer(says("three"), host=f"late.{of_3.domain}")
    assert of_3.get().status == 404


def test_containers_find_an_app_by_its_name(start: Starts, engine: DockerEngine) -> None:
    side = start("name")
    side.deploy(side.route())
    side.await_answer(says("name"))
    (container,) = engine.containers({"com.docker.swarm.service.name": "name"})
    for host in (side.domain, f"www.{side.domain}"):
        assert side.node.address in engine.exec(container.id, ["nslookup", host]).stdout
    page = ["wget", "-q", "-O", "-", "--no-check-certificate", f"https://{side.domain}/"]
    assert engine.exec(container.id, page).stdout.strip() == "name"


def test_runs_that_start_at_once_get_an_address_each(node: Node, engine: DockerEngine) -> None:
    runs = [{"cc-ci.run": f"r{number}"} for number in range(4)]
    started = [RunProxy(node, engine, RUN, labels=labels, clock=SystemClock()) for labels in runs]
    try:
        with ThreadPoolExecutor(len(started)) as threads:
            nodes = list(threads.map(lambda one: one.start(), started))
        assert len({one.address for one in nodes}) == len(started)
    finally:
        for one in started:
            one.remove()


def test_what_a_proxy_needs_of_its_node_and_lost_is_told_and_mended(start: Starts) -> None:
    side = start("lost")
    record = places(NAME).runtime / f"{proxy_services.NAME}.process.json"
    pid = msgspec.json.decode(record.read_bytes(), type=Identity).pid
    os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        # this process may have started it, and then has to hear of its end
        os.waitpid(pid, 0)
    with pytest.raises(InfrastructureError, match="proxy-services ended"):
        side.proxy.require_served()
    lab_node.up(NAME)
    side.proxy.require_served()
    assert names(side.domain) == side.node.address
    side.deploy(side.route())
    side.await_answer(says("lost"))


HOLDER = """
import sys, msgspec
from cc_ci.engine.docker_engine import connect
from cc_ci.engine.node import Node
from cc_ci.isolation.leases import Keeper
from cc_ci.lab.certificates import certify
from cc_ci.lab.names import lead
from cc_ci.lab.run_proxy import RunProxy
from cc_ci.system.clock import SystemClock
from cc_ci.system.process import LocalRunner
node = msgspec.json.decode(sys.argv[1], type=Node, dec_hook=lambda kind, value: kind(value))
engine = connect(node, LocalRunner())
Keeper(engine, run="r-killed").take()
mine = RunProxy(node, engine, LocalRunner(), labels={"cc-ci.run": "r-killed"}, clock=SystemClock()).start()
lead(mine, "dead-1a2b3c.ci.test")
certify(mine, "dead-1a2b3c.ci.test")
print(mine.address, flush=True)
sys.stdin.read()
"""


def test_what_a_killed_run_had_is_given_back(node: Node, engine: DockerEngine, start: Starts) -> None:
    argv = [sys.executable, "-c", HOLDER, msgspec.json.encode(node, enc_hook=str).decode()]
    with leased(Keeper(engine, run="live")):
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            live = start("live")
            assert reaper(node, engine).reap().removed == ()
            process.kill()
        assert names("dead-1a2b3c.ci.test") == address
        reaped = reaper(node, engine).reap()
    assert [item.kind for item in reaped.removed] == ["container"]
    assert [folder.name for folder in reaped.folders] == [address.rpartition(".")[2]]
    assert names("dead-1a2b3c.ci.test") is None
    assert names(live.domain) == live.node.address
    assert start("next").node.address == address
