"""What a run begins before it is needed."""

from pathlib import Path

import pytest

from cc_ci.levers.arms import choose
from cc_ci.pipeline.ahead import READY_SEEDINGS, calls_ahead
from cc_ci.pipeline.known import Known
from cc_ci.pipeline.planner import make_plan
from cc_ci.suite.facts import Suite, read_suite
from cc_ci.suite.spares import Ahead
from cc_ci.testkit.runs import Lab

FULL = Known(previous_version="1", has_suite=True, backed_up=True)
BOTH = ("suite.ahead=yes", "browser.ahead=yes")


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    (tmp_path / "suite.toml").write_text('recipe = "small"\nseeds = "seed.py"\n')
    (tmp_path / "seed.py").write_text("")
    (tmp_path / "test_it.py").write_text("def test_it(browser):\n    assert browser\n")
    return read_suite(tmp_path)


@pytest.mark.parametrize(
    ("levers", "begun"),
    [
        ((), None),
        (("suite.ahead=yes",), Ahead(seedings=READY_SEEDINGS, sessions=2)),
        (("browser.ahead=yes",), Ahead(sessions=2, browser=True)),
        (BOTH, Ahead(seedings=READY_SEEDINGS, sessions=2, browser=True)),
    ],
)
def test_what_is_begun_is_what_the_plan_calls(
    suite: Suite, levers: tuple[str, ...], begun: Ahead | None
) -> None:
    arm = choose("stock", levers)
    assert calls_ahead(make_plan(FULL, arm), arm, suite) == begun
    assert calls_ahead(make_plan(FULL, arm), arm, None) is None


def test_no_seed_is_begun_for_a_stage_that_has_none(suite: Suite) -> None:
    arm = choose("stock", BOTH)
    plan = make_plan(FULL, arm, only="functional")
    assert calls_ahead(plan, arm, suite) == Ahead(sessions=1, browser=True)


def test_a_run_with_all_of_it_does_the_same_steps_with_the_same_end(tmp_path: Path) -> None:
    """Steps, tests, and the backups that restic was asked for."""
    seen = []
    for levers in ((), (*BOTH, "backup.minimal=yes")):
        lab = Lab(tmp_path / str(len(levers)))
        ran = lab.run(arm=choose("stock", levers))
        verbs = [words[words.index("restic") + 1] for words in lab.swarm.argv if "restic" in words]
        steps = [line for line in lab.told if not line.startswith("waiting for")]
        tests = [(stage.name, stage.outcome, len(stage.tests)) for stage in ran.result.stages]
        seen.append((ran.result.verdict, steps, tests, verbs))
        assert lab.suites.ended
    assert seen[0] == seen[1]
    assert seen[0][0] == "green"
    assert seen[0][3] == ["init", "backup", "backup", "restore", "restore", "restore", "restore"]
