import json
from pathlib import Path

import msgspec
import pytest
from small_recipe import COMPOSE, recipe
from small_recipe import app as read_app

from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.labels import SERVICE, STACK
from cc_ci.engine.state import Container, ContainerState
from cc_ci.errors import InfrastructureError
from cc_ci.probes.answers import Answer
from cc_ci.probes.listening import Listening
from cc_ci.probes.ready import NotReady
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.readying import predicates, wait_ready
from cc_ci.suite.facts import read_suite
from cc_ci.system.units import EpochSeconds
from cc_ci.timing.spans import Span

DATABASE = """
[[readiness]]
name = "database"
service = "db"
run = ["pg_isready", "-h", "127.0.0.1"]
"""


def with_suite(deployed: Deployed, tmp_path: Path, facts: str) -> Deployed:
    folder = tmp_path / "suites" / "small"
    folder.mkdir(parents=True)
    (folder / "suite.toml").write_text(f'recipe = "small"\n{facts}')
    deployed.candidate = msgspec.structs.replace(deployed.candidate, suite=read_suite(folder))
    return deployed


def has_container(engine: FakeEngine, deployed: Deployed, service: str) -> None:
    labels = {SERVICE: f"{deployed.stack.name}_{service}", STACK: deployed.stack.name}
    made = Container(
        id=f"{service}-1",
        name=service,
        labels=labels,
        created=1.0,
        state="running",
        image="postgres:15",
        image_id="x",
    )
    engine.has("container", made)


def named(bench: Bench) -> dict[str, Span]:
    return {span.name: span for span in bench.trace.spans()}


def wait(bench: Bench, deployed: Deployed) -> None:
    wait_ready(bench, deployed, predicates(bench, deployed), phase="ready")


def test_each_sign_is_a_span_with_what_it_waits_for(
    bench: Bench, deployed: Deployed, engine: FakeEngine, tmp_path: Path
) -> None:
    has_container(engine, deployed, "db")
    engine.execs.on("db-1", "pg_isready", returncode=2).on("db-1", "pg_isready")
    wait(bench, with_suite(deployed, tmp_path, DATABASE))
    spans = named(bench)
    assert list(spans) == ["ready: app", "ready: database", "hold: still ready"]
    assert {span.phase for span in spans.values()} == {"ready"}
    assert spans["ready: app"].seconds < spans["ready: database"].seconds == pytest.approx(1.0)
    assert spans["ready: database"].attributes == {
        "waits_for": "pg_isready in service db",
        "resolution_seconds": pytest.approx(1.0),
        "looks": 3,
    }
    assert spans["ready: app"].attributes["resolution_seconds"] is None
    assert spans["hold: still ready"].start == spans["ready: database"].end


def test_a_sign_that_never_comes_true_fails_its_span_and_is_named(
    bench: Bench, deployed: Deployed, engine: FakeEngine, tmp_path: Path
) -> None:
    has_container(engine, deployed, "db")
    engine.execs.on("db-1", stderr="no response", returncode=2)
    slow = with_suite(deployed, tmp_path, DATABASE + "[timeouts]\nready = 3")
    with pytest.raises(
        NotReady, match="not there after 3 s; last: database: pg_isready: exit 2: no response"
    ):
        wait(bench, slow)
    spans = named(bench)
    assert spans["ready: database"].status == "failed"
    assert spans["ready: database"].seconds >= 3
    assert spans["ready: app"].status == "done"
    kept = json.loads((bench.evidence / "install" / "last-answers.json").read_text())
    assert msgspec.convert(kept, list[Answer])[0].status == 200


def test_a_sign_of_a_service_that_the_recipe_lacks_is_refused_before_the_deploy(
    bench: Bench, deployed: Deployed, tmp_path: Path
) -> None:
    facts = DATABASE.replace('"db"', '"database"')
    with pytest.raises(InfrastructureError, match="readiness database: the recipe has no service 'database'"):
        predicates(bench, with_suite(deployed, tmp_path, facts))


def test_a_service_of_another_variant_is_not_waited_for(
    bench: Bench, deployed: Deployed, tmp_path: Path
) -> None:
    facts = DATABASE.replace('"db"', '"database"') + '[variants.own]\ncompose_files = ["compose.own.yml"]\n'
    assert [one.name for one in predicates(bench, with_suite(deployed, tmp_path, facts))] == ["app"]


ROUTED = """\
        - "coop-cloud.${STACK_NAME}.version=1.0.0+1.26.3"
        - "traefik.http.routers.${STACK_NAME}.rule=Host(`${DOMAIN}`)"
        - "traefik.http.services.${STACK_NAME}.loadbalancer.server.port=8080"
"""


@pytest.mark.parametrize("gone", [(502, "Bad Gateway"), (504, "Gateway Timeout")])
def test_a_proxy_that_gets_no_answer_is_told_with_the_port_s_label_and_the_ports_that_listen(
    bench: Bench, deployed: Deployed, engine: FakeEngine, tmp_path: Path, *, gone: tuple[int, str]
) -> None:
    compose = COMPOSE.replace(ROUTED.splitlines(keepends=True)[0], ROUTED)
    deployed.app, deployed.stack = read_app(recipe(tmp_path / "routed", compose=compose))
    has_container(engine, deployed, "app")
    engine.states["app-1"] = ContainerState(
        id="app-1",
        state="running",
        pid=7,
        exit_code=None,
        oom_killed=False,
        health=None,
        health_output=(),
        created=EpochSeconds(1.0),
        started=EpochSeconds(1.0),
        finished=None,
        addresses={},
    )
    looked = {7: (Listening(port=80, alone=False),)}
    object.__setattr__(bench, "requester", Refusing(*gone))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("cc_ci.stages.readying.listening", looked.get)
        with pytest.raises(NotReady) as caught:
            wait(bench, deployed)
    place = "compose.yml:25: services.app.deploy.labels.traefik.http.services.${STACK_NAME}"
    told = f"{place}.loadbalancer.server.port is 8080, and the container listens at 80"
    assert str(caught.value).partition("; ")[2].partition("; ")[2] == told


class Refusing:
    """The proxy, which gets through to no app."""

    def __init__(self, status: int, body: str) -> None:
        self._status, self._body = status, body

    def request(self, _method: str, url: str, **_options: object) -> Answer:
        return Answer(url=url, status=self._status, body=self._body)
