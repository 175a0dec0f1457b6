"""What the tables call seconds is explained."""

import re
from pathlib import Path

from cc_ci.timing import span_names
from cc_ci.timing.parts import OTHERS
from cc_ci.timing.phases import PHASES

TOLD = (Path(__file__).parents[3] / "docs" / "reference" / "phases.md").read_text()


def test_every_phase_is_explained() -> None:
    table = TOLD.partition("## Phases")[2].partition("## ")[0]
    assert tuple(re.findall(r"^\| (\w+) \|", table, re.MULTILINE)[1:]) == PHASES


def test_the_parts_of_a_start_are_explained() -> None:
    names = (
        span_names.BOOT,
        span_names.TRIES,
        span_names.DELAY,
        span_names.FIRST_LOOK,
        span_names.SAID_NO,
        span_names.BETWEEN_LOOKS,
    )
    for name in names:
        assert f"| SERVICE: {name} |" in TOLD
    assert f"{span_names.WAS_HEALTHY} |" in TOLD
    assert f"| {span_names.POLL_SLACK}: ... |" in TOLD
    assert f"| {span_names.REMOVAL}: until SERVICE has ended |" in TOLD
    assert f"| {span_names.REDEPLOYMENT} |" in TOLD
    assert f"| {OTHERS} |" in TOLD
