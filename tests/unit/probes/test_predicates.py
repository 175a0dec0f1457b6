from collections.abc import Mapping
from pathlib import Path

import pytest

from cc_ci.engine.fakes import FakeEngine
from cc_ci.errors import CommandFailed, InfrastructureError
from cc_ci.probes.answers import Answer, Problem
from cc_ci.probes.expectation import Expectation
from cc_ci.probes.predicates import AtContainer, InContainer, ThroughProxy

READY = Expectation(path="/health/ready", statuses=(200,), contains="UP")
ROUTER_404 = Answer(url="x", status=404, headers={"content-type": "text/plain"}, body="404 page not found")


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


def locate(service: str) -> str | None:
    return "c1" if service == "db" else None


def in_container(engine: FakeEngine, service: str = "db") -> InContainer:
    return InContainer(
        name="database", service=service, run=("pg_isready", "-h"), locate=locate, execute=engine.exec
    )


def at_container(answer: Answer, *, service: str = "db") -> AtContainer:
    def ask(container: str, *, port: int, path: str, timeout: float) -> Answer:
        assert (container, port, path) == ("c1", 9000, "/health/ready")
        return answer

    return AtContainer(
        name="management", service=service, port=9000, expectation=READY, locate=locate, ask=ask
    )


def test_a_command_that_exits_0_in_the_container_holds(engine: FakeEngine) -> None:
    engine.execs.on("c1", "pg_isready", "-h")
    assert in_container(engine).look().unmet is None


def test_a_command_that_fails_says_with_what_and_its_last_line(engine: FakeEngine) -> None:
    engine.execs.on("c1", stdout="starting\n127.0.0.1:5432 - rejecting connections\n", returncode=1)
    assert in_container(engine).look().unmet == "pg_isready: exit 1: 127.0.0.1:5432 - rejecting connections"


def test_a_command_that_hangs_does_not_hold(engine: FakeEngine) -> None:
    engine.fail("exec", CommandFailed("docker exec: still running after 10 s", returncode=None))
    assert in_container(engine).look().unmet == "docker exec: still running after 10 s"


def test_a_command_that_the_image_lacks_is_the_suites_fault(engine: FakeEngine) -> None:
    engine.execs.on("c1", stderr="exec: pg_isready: executable file not found in $PATH", returncode=127)
    with pytest.raises(InfrastructureError, match="readiness database: pg_isready is not in the container"):
        in_container(engine).look()


def test_a_service_without_a_running_container_does_not_hold(engine: FakeEngine) -> None:
    said = "service cache has no running container"
    assert in_container(engine, "cache").look().unmet == said
    assert at_container(ROUTER_404, service="cache").look().unmet == said


def test_a_container_that_answers_as_expected_holds() -> None:
    assert at_container(Answer(url="x", status=200, body='{"status": "UP"}')).look().unmet is None


def test_a_bare_404_of_a_container_is_its_own_and_not_the_proxys() -> None:
    assert at_container(ROUTER_404).look().unmet == "x: status 404 instead of 200"


def test_a_container_that_refuses_the_connection_is_no_missing_proxy() -> None:
    refused = Answer(url="x", problem=Problem(kind="unreachable", detail="connection refused"))
    sight = at_container(refused).look()
    assert (sight.unmet, sight.no_proxy) == ("x: unreachable: connection refused", False)


def test_what_in_the_recipe_keeps_the_proxy_from_the_app_is_told() -> None:
    class Router:
        def request(self, _method: str, url: str, **_options: object) -> Answer:
            assert url == "https://app.ci.test/health/ready"
            return ROUTER_404

    sign = ThroughProxy(
        name="app",
        expectation=READY,
        domain="app.ci.test",
        requester=Router(),
        explain=lambda answer: f"because {answer.status}",
    )
    assert sign.look().unmet == "x: the proxy itself answers 404: 404 page not found; because 404"
    assert Path(sign.waits_for.split()[0]) == Path("/health/ready")


class ColdWorker:
    """Its first answers take as long as was seen on two busy processors."""

    seconds = 30.0

    def request(
        self,
        method: str,
        url: str,
        *,
        content: str | None = None,
        headers: Mapping[str, str] = {},
        timeout: float = 0.0,
    ) -> Answer:
        assert (method, content, dict(headers)) == ("GET", None, {})
        return self.answer(url, timeout=timeout)

    def ask(self, container: str, *, port: int, path: str, timeout: float) -> Answer:
        return self.answer(f"http://{container}:{port}{path}", timeout=timeout)

    def answer(self, url: str, *, timeout: float) -> Answer:
        if timeout <= self.seconds:
            return Answer(url=url, problem=Problem(kind="timeout", detail="cut off"))
        return Answer(url=url, status=200, body="UP", seconds=self.seconds)


def test_the_first_answer_of_a_cold_worker_is_waited_for() -> None:
    cold = ColdWorker()
    through = ThroughProxy(name="app", expectation=READY, domain="a.test", requester=cold)
    straight = AtContainer(
        name="app", service="db", port=9000, expectation=READY, locate=locate, ask=cold.ask
    )
    assert [through.look().unmet, straight.look().unmet] == [None, None]
