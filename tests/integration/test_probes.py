"""An app behind the lab's real Traefik; the app is Traefik's own binary too, which a node has at hand."""

import functools
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from nodes_of_tests import ready_for, wanted

from cc_ci.engine.api import EngineEvent
from cc_ci.engine.docker_engine import DockerEngine, connect
from cc_ci.engine.node import Node
from cc_ci.errors import InfrastructureError
from cc_ci.isolation.census import lasting_difference, take
from cc_ci.isolation.reaper import Reaper
from cc_ci.lab import node as lab_node
from cc_ci.lab.certificates import certify, uncertify
from cc_ci.lab.run_proxy import RunProxy
from cc_ci.probes.answers import from_router, get
from cc_ci.probes.containers import straight
from cc_ci.probes.expectation import Expectation
from cc_ci.probes.http import Probe
from cc_ci.probes.predicates import AtContainer, InContainer, ThroughProxy
from cc_ci.probes.ready import NotReady, Readying
from cc_ci.probes.stopping import ContainerEvent, Stopping, stop_checks, stops
from cc_ci.system.clock import SystemClock
from cc_ci.system.process import LocalRunner, check
from cc_ci.system.waiting import wait_until

NAME = "isof" + os.environ.get("PYTEST_XDIST_WORKER", "")
"""Tests side by side have a node each."""

pytestmark = pytest.mark.integration

DOMAIN = "prob-1a2b3c.ci.test"
PING = Expectation(path="/ping", statuses=(200,), contains="OK")


@pytest.fixture(scope="module")
def bare_node() -> Iterator[Node]:
    yield ready_for(NAME).up(wanted(refresh=1.0, throttle=0.1))
    lab_node.down(NAME)


@pytest.fixture(scope="module")
def engine(bare_node: Node) -> DockerEngine:
    return connect(bare_node, LocalRunner())


@pytest.fixture(scope="module")
def node(bare_node: Node, engine: DockerEngine) -> Iterator[Node]:
    """As a run sees it, with a proxy."""
    Reaper(engine, clock=SystemClock()).reap(only="prob")
    proxy = RunProxy(bare_node, engine, LocalRunner(), labels={"cc-ci.run": "prob"}, clock=SystemClock())
    yield proxy.start()
    proxy.remove()


@pytest.fixture(scope="module")
def probe(node: Node) -> Iterator[Probe]:
    with Probe(node) as made:
        yield made


@pytest.fixture(scope="module")
def app(node: Node, engine: DockerEngine) -> Iterator[str]:
    """A service behind the proxy, on a network of its own; its domain."""
    before = take(engine)
    network = engine.create_network("prob_proxy", labels={"cc-ci.run": "prob"})
    assert node.proxy_container is not None
    engine.connect_network(network, node.proxy_container)
    certify(node, DOMAIN)
    deploy(engine)
    yield DOMAIN
    engine.remove_service("prob_app")
    for container in engine.containers({"com.docker.swarm.service.name": "prob_app"}):
        engine.remove_container(container.id)
    engine.disconnect_network(network, node.proxy_container)
    engine.remove_network(network)
    uncertify(node, DOMAIN)
    assert lasting_difference(engine, before, clock=SystemClock())[0].leaks == ()


def deploy(engine: DockerEngine) -> None:
    tags = [tag for image in engine.images() for tag in image.tags]
    image = next(tag for tag in tags if tag.startswith("cc-ci/proxy"))
    routing = "traefik.http.routers.prob"
    labels = {
        "cc-ci.run": "prob",
        "traefik.enable": "true",
        "traefik.swarm.network": "prob_proxy",
        f"{routing}.rule": f"Host(`{DOMAIN}`)",
        f"{routing}.entrypoints": "web-secure",
        f"{routing}.tls": "true",
        "traefik.http.services.prob.loadbalancer.server.port": "8080",
    }
    options = [f"--label={key}={value}" for key, value in labels.items()]
    options += ["--network=prob_proxy", "--endpoint-mode=dnsrr", "--name=prob_app", "--no-resolve-image"]
    command = ["--entrypoints.web.address=:8080", "--ping.entrypoint=web"]
    argv = ["docker", "service", "create", "--detach", *options, image, *command]
    check(LocalRunner()(argv, env=engine.environment))


def test_an_app_becomes_ready_through_the_proxy(app: str, probe: Probe) -> None:
    sign = ThroughProxy(name="app", expectation=PING, domain=app, requester=probe)
    readiness = Readying(sign, clock=SystemClock(), hold=0.3).wait(timeout=30)
    answer = get(probe, PING.url(app))
    assert (answer.status, answer.body) == (200, "OK")
    assert answer.certificate is not None
    assert answer.certificate.names == (app,)
    assert 0.3 <= readiness.noticed_at - readiness.true_at < 2


ESTABLISHED = "01"


def connections(engine: DockerEngine, container: str, *, port: int) -> int:
    """How many the container has open at its `port`; see proc(5) for the columns."""
    state = engine.container(container)
    assert state is not None
    tables = [Path(f"/proc/{state.pid}/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    rows = [line.split() for lines in tables for line in lines]
    return sum(row[1].endswith(f":{port:04X}") and row[3] == ESTABLISHED for row in rows)


def test_the_proxy_leaves_no_connection_open_that_would_hold_up_a_graceful_stop(
    app: str, engine: DockerEngine, probe: Probe
) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: get(probe, PING.url(app)), range(32)))
    assert {answer.status for answer in answers} == {200}
    container = running(engine, "app")
    assert container is not None
    closed = functools.partial(connections, engine, container, port=8080)
    clock = SystemClock()
    wait_until(closed, name="no connection left", ready=lambda left: left == 0, timeout=5, clock=clock)


def running(engine: DockerEngine, service: str) -> str | None:
    found = engine.containers({"com.docker.swarm.service.name": f"prob_{service}"})
    return found[0].id if found else None


def test_signs_of_three_kinds_are_waited_for_side_by_side(
    app: str, node: Node, engine: DockerEngine, probe: Probe
) -> None:
    locate = functools.partial(running, engine)
    ask = straight(node, engine, LocalRunner())
    own = ThroughProxy(name="app", expectation=PING, domain=app, requester=probe)
    direct = AtContainer(name="direct", service="app", port=8080, expectation=PING, locate=locate, ask=ask)
    program = ("/traefik", "healthcheck", "--ping", "--entrypoints.web.address=:8080")
    command = (*program, "--ping.entrypoint=web")
    inside = InContainer(name="inside", service="app", run=command, locate=locate, execute=engine.exec)
    before = Path("/proc/self/ns/net").readlink()
    readiness = Readying(own, direct, inside, clock=SystemClock(), hold=0.3).wait(timeout=30)
    assert [(held.name, held.unmet) for held in readiness.predicates] == [
        ("app", None),
        ("direct", None),
        ("inside", None),
    ]
    assert Path("/proc/self/ns/net").readlink() == before
    assert "127.0.0.1" not in str(direct.look().answer)


def test_a_command_that_the_image_lacks_ends_the_wait_at_once(app: str, engine: DockerEngine) -> None:
    locate = functools.partial(running, engine)
    for program in ("pg_isready", "/usr/bin/pg_isready"):
        sign = InContainer(name="db", service="app", run=(program,), locate=locate, execute=engine.exec)
        with pytest.raises(InfrastructureError, match="pg_isready is not in the container of service app"):
            Readying(sign, clock=SystemClock()).wait(timeout=30)


def test_a_container_that_is_silent_at_its_port_is_named(app: str, node: Node, engine: DockerEngine) -> None:
    sign = AtContainer(
        name="management",
        service="app",
        port=9000,
        expectation=PING,
        locate=functools.partial(running, engine),
        ask=straight(node, engine, LocalRunner()),
    )
    with pytest.raises(NotReady, match=r"last: management: http://.*:9000/ping: unreachable: .*refused"):
        Readying(sign, clock=SystemClock()).wait(timeout=0.5)


def test_plain_http_leads_to_https(app: str, probe: Probe) -> None:
    answer = get(probe, f"http://{app}/")
    assert answer.status in (301, 308)
    assert answer.headers["location"] == f"https://{app}/"


def test_a_name_without_a_certificate_gets_the_proxys_default_and_is_not_trusted(
    app: str, probe: Probe
) -> None:
    answer = get(probe, "https://nobody-1.ci.test/")
    assert answer.problem is not None
    assert answer.problem.kind == "certificate"
    assert answer.certificate is not None
    assert answer.certificate.routers_default


def test_a_host_without_a_router_is_answered_by_the_proxy_itself(node: Node, app: str, probe: Probe) -> None:
    host = "nobody-2.ci.test"
    certify(node, host)
    try:
        answer = wait_until(
            lambda: get(probe, f"https://{host}/ping"),
            name="certificate of a host without a router",
            ready=lambda answer: answer.problem is None,
            timeout=20,
            clock=SystemClock(),
        )
    finally:
        uncertify(node, host)
    assert answer.status == 404
    assert from_router(answer)
    assert "the proxy itself answers 404" in (Expectation().unmet(answer) or "")


def test_a_stop_is_seen_to_be_graceful(app: str, engine: DockerEngine) -> None:
    labels = {"com.docker.swarm.service.name": "prob_app"}
    with engine.events(since=engine.now(), labels=labels, kinds=("container",)) as events:
        engine.remove_service("prob_app")
        seen: list[EngineEvent] = []
        while not seen or seen[-1].action != "die":
            event = events.next(30.0)
            assert event is not None
            seen.append(event)
    kills = [
        ContainerEvent(
            container=event.id,
            service="app",
            action=event.action,
            at=event.at,
            signal=int(event.attributes["signal"]) if event.action == "kill" else None,
            exit_code=event.exit_code,
        )
        for event in seen
    ]
    warned: list[str] = []
    (check_,) = stop_checks(stops(kills), services={"app": Stopping()}, warn=warned.append)
    assert (check_.outcome, check_.reason, warned) == ("passed", None, [])
