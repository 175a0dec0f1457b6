"""What stages are told of an arm's levers, on engines and clients that lack a part of it."""

import msgspec
import pytest

from cc_ci.engine.fake_events import FACTS
from cc_ci.engine.fakes import FakeEngine
from cc_ci.levers.arms import choose
from cc_ci.pipeline.waiting import looks_early, waits
from cc_ci.system.process import ScriptedRunner


class Facts(FakeEngine):
    def __init__(self, api: str) -> None:
        super().__init__()
        self.api = api

    def system(self):  # type: ignore[no-untyped-def]  # noqa: ANN201
        return msgspec.structs.replace(FACTS, api=self.api)


def early(api: str, client: str, *, setting: str = "health.start_interval=0.5") -> tuple[bool, list[str]]:
    warned: list[str] = []
    runner = ScriptedRunner().on("docker", "version", stdout=f"{client}\n")
    arm = choose("stock", [setting])
    found = looks_early(arm, Facts(api), runner, warn=lambda _code, line: warned.append(line))
    return found, warned


@pytest.mark.parametrize(
    ("api", "client", "lacking"),
    [
        ("1.41", "28.2.2", "engine 20.10.24 has"),
        ("1.43", "28.2.2", "engine 20.10.24 has"),
        ("1.45", "20.10.24+dfsg1", "docker's client 20.10.24+dfsg1 has"),
        ("1.51", "24.0.9", "docker's client 24.0.9 has"),
        ("1.51", "", "docker's client of an unknown version has"),
    ],
)
def test_what_knows_no_start_interval_is_named_and_the_check_looks_often_all_the_time(
    api: str, client: str, lacking: str
) -> None:
    found, (line,) = early(api, client)
    assert not found
    assert line == (
        f"health.start_interval: {lacking} no start_interval, so health checks look every 0.5 s all the time"
    )
    tuning = waits(choose("stock", ["health.start_interval=0.5"]), early=False).tuning
    assert (tuning.health_interval, tuning.start_interval) == (0.5, None)


@pytest.mark.parametrize(("api", "client"), [("1.44", "25.0.0"), ("1.51", "28.2.2"), ("1.51", "29.0.0-rc1")])
def test_newer_ones_look_often_until_the_first_yes(api: str, client: str) -> None:
    assert early(api, client) == (True, [])
    tuning = waits(choose("stock", ["health.start_interval=0.5"])).tuning
    assert (tuning.health_interval, tuning.start_interval) == (None, 0.5)


def test_without_the_lever_nobody_is_asked() -> None:
    engine, runner = FakeEngine(), ScriptedRunner()
    assert looks_early(choose(), engine, runner, warn=lambda *_: None)
    assert engine.calls == []
    assert runner.calls == []


def test_an_interval_that_was_set_as_well_is_kept_if_it_is_shorter() -> None:
    arm = choose("stock", ["health.start_interval=2", "health.interval=1"])
    assert waits(arm, early=False).tuning.health_interval == 1.0


def test_operators_have_no_interval_delay_or_monitor_but_their_recipes_and_a_soak() -> None:
    arm = choose("operator")
    assert waits(arm).tuning == waits(choose()).tuning
    assert not waits(arm).events
    assert arm.word("app.soak") == "yes"
    assert arm.word("deploy.driver") == "operators"
