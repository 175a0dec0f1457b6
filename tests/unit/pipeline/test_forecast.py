"""What is expected of a run before there was one like it."""

import pytest

from cc_ci.levers.arms import choose
from cc_ci.pipeline.forecast import SECONDS, START, first_look, forecast
from cc_ci.pipeline.plan import Plan, Step
from cc_ci.recipes.service import Healthcheck, Service
from cc_ci.testkit.runs import Lab

STOCK = choose()
STABILITY = STOCK.seconds("readiness.stability")


def service(check: Healthcheck | None) -> Service:
    return Service(name="app", image="i:1", healthcheck=check)


@pytest.mark.parametrize(
    ("check", "seconds"),
    [
        (None, 1.0),
        (Healthcheck(interval=30), 30.0),
        (Healthcheck(interval=30, start_period=60), 5.0),
        (Healthcheck(interval=2, start_period=60), 2.0),
        (Healthcheck(interval=30, start_period=60, start_interval=1), 1.0),
        (Healthcheck(interval=30, start_interval=1), 30.0),
    ],
)
def test_a_quick_app_is_healthy_at_its_check_s_first_look(check: Healthcheck | None, seconds: float) -> None:
    assert first_look(service(check), STOCK) == seconds


def test_the_lever_that_sets_intervals_is_taken_for_them() -> None:
    arm = choose("stock", ["health.interval=1"])
    assert first_look(service(Healthcheck(interval=30)), arm) == 1.0


def test_a_run_is_told_what_is_expected_of_it_and_its_chains_are_in_a_row(lab: Lab) -> None:
    run = lab.prepared()
    run()
    progress = run.progress
    assert progress is not None
    told = progress.forecast
    assert progress.total == pytest.approx(sum(told.stages.values()))
    assert set(told.stages) == set(progress.stages)
    assert all(progress.stages.values())
    boot = START + 1.0 + STABILITY
    others = sum(SECONDS[action] for action in ("pull", "prepare", "check", "undeploy"))  # type: ignore[index]
    assert told.stages["install"] == pytest.approx(boot + others)


def test_chains_side_by_side_take_as_long_as_the_longest() -> None:
    def step(name: str, *after: str, action: str = "soak") -> Step:
        return Step(name=name, action=action, stage="install", chain=name[0], after=after)  # type: ignore[arg-type]

    plan = Plan(
        deployments=(),
        steps=(step("a1"), step("a2", "a1"), step("b1"), step("end", "a2", "b1", action="leak_check")),
    )
    told = forecast(plan, {}, STOCK)
    assert told.total == 2 * SECONDS["soak"] + SECONDS["leak_check"]
    assert told.stages == {"install": 3 * SECONDS["soak"] + SECONDS["leak_check"]}


def test_whoever_looks_is_told_what_an_app_waits_for_while_it_comes_up(lab: Lab) -> None:
    told: list[str] = []
    watched = lab.prepared(stage="install", watched=True)

    def look(_number: int) -> None:
        if watched.progress:
            told.append(watched.progress.standing("install"))

    lab.swarm.at_call = look
    watched()
    assert any(line.startswith("app: ") for line in told)
    assert watched.progress is not None
    assert watched.progress.standing("install") == ""
    assert watched.progress.standing(None) == ""
