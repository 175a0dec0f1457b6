"""The time of stability beside the work: before a change of the app, what is left of it is waited out."""

from pathlib import Path

import msgspec
import pytest
from small_bench import WAITS, small_bench, small_deployed
from small_recipe import COMPOSE, recipe
from small_recipe import app as read_app

from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.labels import SERVICE, STACK
from cc_ci.engine.state import Container, ContainerState, ServiceState, StackSnapshot
from cc_ci.errors import StageFailed
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.deploying import roll_out
from cc_ci.stages.holding import LEAST_LIFE, wait_out
from cc_ci.system.process import ScriptedRunner
from cc_ci.system.units import EpochSeconds


@pytest.fixture
def bench(tmp_path: Path, engine: FakeEngine, runner: ScriptedRunner) -> Bench:
    waits = msgspec.structs.replace(WAITS, events=True, hold=0.0)
    return small_bench(tmp_path, engine=engine, runner=runner.on(), waits=waits)


def rolled_out(bench: Bench, engine: FakeEngine, deployed: Deployed) -> Deployed:
    services = tuple(
        ServiceState(id=name, name=name, image="i", desired=1, running=1) for name in deployed.stack.services
    )
    engine.script(StackSnapshot(stack=deployed.stack.name, services=services))
    roll_out(bench, deployed, phase=None)
    return deployed


def waited(bench: Bench, deployed: Deployed, *, least: float = 0.0) -> float:
    begun = bench.clock.monotonic()
    wait_out(bench, deployed, during="a step", least=least)
    return bench.clock.monotonic() - begun


def test_work_begins_at_once_and_what_it_leaves_of_the_time_is_waited_out(
    bench: Bench, engine: FakeEngine, deployed: Deployed
) -> None:
    begun = engine.clock.monotonic()
    rolled_out(bench, engine, deployed)
    assert engine.clock.monotonic() - begun < 1.0
    engine.clock.advance(3.0)
    assert waited(bench, deployed) == pytest.approx(2.0, abs=0.1)
    assert waited(bench, deployed) == 0.0
    (span,) = [one for one in bench.trace.spans() if one.name == "hold: still up"]
    assert (span.kind, span.action, span.phase) == ("wait", "hold", "converge")


def test_one_deployment_lives_for_ten_seconds_before_it_is_killed(
    bench: Bench, engine: FakeEngine, deployed: Deployed
) -> None:
    rolled_out(bench, engine, deployed)
    assert waited(bench, deployed, least=LEAST_LIFE) == pytest.approx(LEAST_LIFE, abs=0.1)


def test_work_that_took_longer_leaves_nothing_to_wait_for(
    bench: Bench, engine: FakeEngine, deployed: Deployed
) -> None:
    rolled_out(bench, engine, deployed)
    engine.clock.advance(20.0)
    assert waited(bench, deployed, least=LEAST_LIFE) == 0.0


def test_a_monitor_that_the_recipe_sets_is_its_time(bench: Bench, engine: FakeEngine, tmp_path: Path) -> None:
    compose = COMPOSE.replace("replicas: 2", "replicas: 2\n      update_config: {monitor: 12s}")
    app, stack = read_app(recipe(tmp_path / "watched", compose=compose))
    deployed = small_deployed(bench, tmp_path)
    deployed.app, deployed.stack = app, stack
    rolled_out(bench, engine, deployed)
    assert waited(bench, deployed) == pytest.approx(12.0, abs=0.1)


@pytest.mark.attack(
    what="An app dies some seconds after it came up, when a quick run has finished with it.",
    before="Only a wait for stability before any work would have noticed it.",
    now="No deployment is changed or removed before its stability time is over.",
    layer="engine",
)
def test_an_app_that_dies_within_its_time_fails_the_step_before_its_removal(
    bench: Bench, engine: FakeEngine, deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    rolled_out(bench, engine, deployed)
    up_at = engine.now()
    labels = {STACK: deployed.stack.name, SERVICE: f"{deployed.stack.name}_app"}

    def containers(_labels: object = None) -> tuple[Container, ...]:
        state = "running" if engine.clock.now() < up_at + 3.0 else "exited"
        made = Container(id="c", name="c", labels=labels, created=up_at, state=state, image="i", image_id="i")
        return (made,)

    monkeypatch.setattr(engine, "containers", containers)
    engine.states["c"] = ContainerState(
        id="c",
        state="exited",
        pid=None,
        exit_code=7,
        oom_killed=False,
        health=None,
        health_output=(),
        created=up_at,
        started=up_at,
        finished=EpochSeconds(up_at + 3.0),
        addresses={},
    )
    with pytest.raises(
        StageFailed, match=r"ended with exit code 7 3 s after it began to serve, during a step"
    ):
        wait_out(bench, deployed, during="a step")


def test_stock_waits_before_the_work_and_has_nothing_left(
    tmp_path: Path, engine: FakeEngine, runner: ScriptedRunner
) -> None:
    bench = small_bench(tmp_path, engine=engine, runner=runner.on())
    deployed = rolled_out(bench, engine, small_deployed(bench, tmp_path))
    assert engine.clock.monotonic() >= 5.0
    assert waited(bench, deployed, least=LEAST_LIFE) == 0.0
