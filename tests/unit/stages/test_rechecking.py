"""A health check that said yes once is run again, with its own retries, and no more patience than needed."""

import msgspec
import pytest

from cc_ci.engine.fakes import FakeEngine
from cc_ci.engine.labels import SERVICE, STACK
from cc_ci.engine.state import Container, ContainerState, HealthCheck
from cc_ci.errors import CommandFailed, StageFailed
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.living import begins_to_serve
from cc_ci.stages.rechecking import LONGEST_DOUBT, require_healthy
from cc_ci.system.clock import ManualClock

CHECK = HealthCheck(interval=30.0, timeout=5.0, retries=3, test=("look", "-q"))


def up(engine: FakeEngine, deployed: Deployed, service: str, *, health: str | None = "healthy") -> None:
    labels = {STACK: deployed.stack.name, SERVICE: f"{deployed.stack.name}_{service}"}
    engine.items["container"][f"{service}-1"] = Container(
        id=f"{service}-1",
        name=service,
        labels=labels,
        created=engine.now(),
        state="running",
        image="i",
        image_id="i",
    )
    engine.states[f"{service}-1"] = ContainerState(
        id=f"{service}-1",
        state="running",
        pid=1,
        exit_code=None,
        oom_killed=False,
        health=health,
        health_output=(),
        created=engine.now(),
        started=engine.now(),
        finished=None,
        addresses={},
        service=labels[SERVICE],
        health_check=CHECK if health else None,
    )


@pytest.fixture(autouse=True)
def serving(bench: Bench, engine: FakeEngine, deployed: Deployed) -> None:
    up(engine, deployed, "app")
    begins_to_serve(bench, deployed)
    deployed.running = {"app": "i"}


@pytest.mark.attack(
    what="A health check passes once and always fails afterwards.",
    before="A run that ended before Swarm's next checks was green.",
    now="Each service's check runs again after the steps that use it, and a failure fails the stage.",
    layer="engine",
)
def test_a_check_that_says_no_from_then_on_is_the_recipes_fault(
    bench: Bench, engine: FakeEngine, deployed: Deployed, clock: ManualClock
) -> None:
    engine.execs.on("app-1", "look", "-q", returncode=1, stderr="first\nnot today\n")
    begun = clock.monotonic()
    with pytest.raises(StageFailed) as caught:
        require_healthy(bench, deployed, during="functional: test (install)")
    said = str(caught.value)
    assert said.startswith("compose.yml:15: services.app.healthcheck: said yes once, and then no ")
    assert said.endswith("during functional: test (install); last: exit code 1, and not today")
    assert clock.monotonic() - begun == pytest.approx(LONGEST_DOUBT, abs=1.0)
    assert not deployed.running


def test_retries_that_were_scaled_to_a_shorter_interval_make_no_longer_doubt(
    bench: Bench, engine: FakeEngine, deployed: Deployed, clock: ManualClock
) -> None:
    often = msgspec.structs.replace(CHECK, interval=0.5, retries=180)
    engine.states["app-1"] = msgspec.structs.replace(engine.states["app-1"], health_check=often)
    engine.execs.on("app-1", "look", "-q", returncode=1)
    begun = clock.monotonic()
    with pytest.raises(StageFailed, match=r"no \d+ times in 20 s"):
        require_healthy(bench, deployed, during="a step")
    assert clock.monotonic() - begun == pytest.approx(LONGEST_DOUBT, abs=1.0)


def test_a_check_of_little_patience_is_doubted_no_longer_than_swarm_does(
    bench: Bench, engine: FakeEngine, deployed: Deployed, clock: ManualClock
) -> None:
    short = msgspec.structs.replace(CHECK, interval=1.0, retries=3)
    engine.states["app-1"] = msgspec.structs.replace(engine.states["app-1"], health_check=short)
    engine.execs.on("app-1", "look", "-q", returncode=1)
    with pytest.raises(StageFailed, match="times in 3 s"):
        require_healthy(bench, deployed, during="a step")


def test_one_no_among_yeses_is_nothing(bench: Bench, engine: FakeEngine, deployed: Deployed) -> None:
    engine.execs.on("app-1", "look", "-q", returncode=1).on("app-1", "look", "-q")
    require_healthy(bench, deployed, during="a step")


def test_a_check_that_hangs_says_no(
    bench: Bench, engine: FakeEngine, deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang(*_arguments: object, timeout: float, **_options: object) -> None:
        engine.clock.advance(timeout)
        raise CommandFailed(f"docker exec: not done after {timeout:g} s", returncode=None)

    monkeypatch.setattr(engine, "exec", hang)
    with pytest.raises(StageFailed, match="last: docker exec: not done after 5 s"):
        require_healthy(bench, deployed, during="a step")


@pytest.mark.parametrize("health", [None, "starting"])
def test_a_service_that_was_never_healthy_is_not_asked(
    bench: Bench, engine: FakeEngine, deployed: Deployed, health: str | None
) -> None:
    up(engine, deployed, "app", health=health)
    require_healthy(bench, deployed, during="a step")
    assert "exec" not in [call for call, _ in engine.calls]


def test_nothing_is_asked_of_an_app_that_does_not_serve(
    bench: Bench, engine: FakeEngine, deployed: Deployed
) -> None:
    deployed.serves_since = None
    require_healthy(bench, deployed, during="a step")
    assert "exec" not in [call for call, _ in engine.calls]


def test_an_app_that_ended_meanwhile_is_told_as_that(
    bench: Bench, engine: FakeEngine, deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container that is gone can't be asked; that it ended is what is told, by whoever looks for it."""

    def gone(*_arguments: object, **_options: object) -> None:
        ended = msgspec.structs.replace(engine.states["app-1"], state="exited", exit_code=1)
        engine.states["app-1"] = ended
        raise CommandFailed("docker exec: container is not running", returncode=1)

    monkeypatch.setattr(engine, "exec", gone)
    require_healthy(bench, deployed, during="a step")
