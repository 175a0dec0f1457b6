"""What the tables call seconds is explained."""

import re
from pathlib import Path

from cc_ci.engine import timelines
from cc_ci.timing.parts import OTHERS
from cc_ci.timing.phases import PHASES, POLL_SLACK, REDEPLOYMENT, REMOVAL

TOLD = (Path(__file__).parents[3] / "docs" / "reference" / "phases.md").read_text()


def test_every_phase_is_explained() -> None:
    table = TOLD.partition("## Phases")[2].partition("## ")[0]
    assert tuple(re.findall(r"^\| (\w+) \|", table, re.MULTILINE)[1:]) == PHASES


def test_the_parts_of_a_start_are_explained() -> None:
    names = (timelines.BOOT, timelines.TRIES, timelines.DELAY, timelines.FIRST_LOOK, timelines.BETWEEN_LOOKS)
    for name in names:
        assert f"| SERVICE: {name} |" in TOLD
    assert f"{timelines.WAS_HEALTHY} |" in TOLD
    assert f"| {POLL_SLACK}: ... |" in TOLD
    assert f"| {REMOVAL}: until SERVICE has ended |" in TOLD
    assert f"| {REDEPLOYMENT} |" in TOLD
    assert f"| {OTHERS} |" in TOLD
