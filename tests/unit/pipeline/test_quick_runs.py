"""Whole runs of the profiles fast and operator in a fake Swarm: what they test is what stock tests."""

from pathlib import Path

import pytest

from cc_ci.levers.arms import choose
from cc_ci.results.schema import RunResult
from cc_ci.testkit.runs import Lab

QUICK = ("readiness.events=yes", "removal=prompt", "health.start_interval=0.5", "traefik.refresh=0.2")
HELD = "hold: still converged"


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def ids(result: RunResult) -> list[tuple[str, str, str | None]]:
    return [(stage.name, test.id, test.deployment) for stage in result.stages for test in stage.tests]


def test_each_lever_of_waiting_leaves_the_tests_as_they_are(lab: Lab) -> None:
    stock = lab.run().result
    quick = lab.run(arm=choose("stock", list(QUICK))).result
    assert (stock.verdict, quick.verdict) == ("green", "green"), quick.because
    assert ids(quick) == ids(stock)
    assert quick.census.leaks == ()
    held = [sum(span.seconds for span in run.spans if span.name == HELD) for run in (stock, quick)]
    assert held[0] > 5.0 * 5 > held[1] == 0.0


def test_fast_is_green_and_leaves_nothing(lab: Lab) -> None:
    result = lab.run(arm=choose("fast")).result
    assert (result.verdict, result.exit_code) == ("green", 0), result.because
    assert result.census.leaks == ()
    assert {test for _, test, _ in ids(result)} >= {
        "generic: graceful stop of app",
        "comes back after it was killed",
    }


def test_operators_soak_their_app_and_are_told_of_the_driver_that_they_lack(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cc_ci.pipeline.instruments.abra_is_there", lambda: False)
    result = lab.run(arm=choose("operator")).result
    assert result.verdict == "green", result.because
    (line,) = [one.message for one in result.warnings if one.code == "abra"]
    assert line == "abra: not on PATH, so cc-ci's own driver deployed; install abra to deploy as operators do"
    (soak,) = [span for span in result.spans if span.action == "soak"]
    assert soak.seconds == pytest.approx(60.0)


def test_the_first_red_is_told_when_it_is_known_and_a_green_run_says_when_it_is_sure(lab: Lab) -> None:
    lab.suites.outcomes["app"] = "failed"
    lab.run()
    first = next(at for at, line in enumerate(lab.told) if line.startswith("first red: "))
    assert lab.told[first].startswith("first red: upgrade: test (upgrade): failed: test_app.py::test_it: ")
    stage = next(at for at, line in enumerate(lab.told) if line.startswith("upgrade: failed"))
    assert lab.told[first + 1].startswith("upgrade: undeploy")
    assert stage > first + 1
    assert len([line for line in lab.told if line.startswith("first red: ")]) == 1
    assert not any(line.startswith("verdict: green") for line in lab.told)


def test_a_green_run_says_that_only_its_teardown_is_left(lab: Lab) -> None:
    lab.run()
    sure = lab.told.index("verdict: green, unless the teardown spoils it")
    assert lab.told[sure + 1].startswith("teardown: ")
    assert not any(line.startswith("first red") for line in lab.told)
