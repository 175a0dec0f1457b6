"""Asked at its container, an app tells when it was there; it decides nothing."""

import time
from pathlib import Path

import msgspec
import pytest
from small_bench import WAITS, small_bench, small_deployed
from small_recipe import COMPOSE, recipe
from small_recipe import app as read_app

from cc_ci.engine.fakes import FakeEngine
from cc_ci.probes.answers import Answer
from cc_ci.stages import straight
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.straight import asked_straight
from cc_ci.system.process import ScriptedRunner
from cc_ci.timing.trace import Span

ROUTED = COMPOSE.replace(
    '- "traefik.enable=true"',
    '- "traefik.enable=true"\n'
    '        - "traefik.http.routers.one.rule=Host(`${DOMAIN}`)"\n'
    '        - "traefik.http.services.one.loadbalancer.server.port=8080"',
)


class Door:
    """The container's own, at which the app answers well after a few looks."""

    asked: list[str]
    port: int

    bad: int

    def __init__(self, _engine: object, *, port: int, **_options: object) -> None:
        type(self).asked, type(self).port = [], port

    def request(self, _method: str, url: str, **_options: object) -> Answer:
        self.asked.append(url)
        status = 200 if len(self.asked) > self.bad else 503
        return Answer(url=url, status=status, headers={"server": "app"}, body="hello")


@pytest.fixture(autouse=True)
def door(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(straight, "AtDoor", Door)
    Door.bad = 2


def routed(tmp_path: Path, *, events: bool = True) -> tuple[Bench, Deployed]:
    waits = msgspec.structs.replace(WAITS, events=events, probe_interval=0.01)
    bench = small_bench(tmp_path, engine=FakeEngine(), runner=ScriptedRunner(), waits=waits)
    deployed = small_deployed(bench, tmp_path)
    deployed.app, deployed.stack = read_app(recipe(tmp_path / "routed", compose=ROUTED))
    return bench, deployed


def spans(bench: Bench, deployed: Deployed, *, block: float) -> list[Span]:
    with asked_straight(bench, deployed, phase="converge"):
        time.sleep(block)
    return [span for span in bench.trace.spans() if span.name == "ready: the app, at its container"]


def test_its_first_good_answer_is_told_with_the_looks_that_it_took(tmp_path: Path) -> None:
    bench, deployed = routed(tmp_path)
    (span,) = spans(bench, deployed, block=0.5)
    assert (span.kind, span.phase, span.attributes["looks"]) == ("sign", "converge", 3)
    assert Door.port == 8080
    assert set(Door.asked) == {"https://small-abc.ci.test/"}


def test_an_app_that_did_not_answer_in_time_is_no_fault_and_no_span(tmp_path: Path) -> None:
    bench, deployed = routed(tmp_path)
    Door.bad = 1000
    assert spans(bench, deployed, block=0.1) == []


def test_what_the_app_raised_there_is_nobodys_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object, **_options: object) -> Answer:
        raise RuntimeError("no such namespace")

    monkeypatch.setattr(Door, "request", broken)
    bench, deployed = routed(tmp_path)
    assert spans(bench, deployed, block=0.1) == []


def test_without_the_lever_or_a_route_nobody_asks(tmp_path: Path) -> None:
    bench, deployed = routed(tmp_path, events=False)
    assert spans(bench, deployed, block=0.1) == []
