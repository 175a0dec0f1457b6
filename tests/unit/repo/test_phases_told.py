"""What the tables call seconds is explained."""

import re
from pathlib import Path
from typing import get_args

from cc_ci.timing import actions
from cc_ci.timing.parts import OTHERS
from cc_ci.timing.phases import PHASES
from cc_ci.timing.spans import SpanKind

TOLD = (Path(__file__).parents[3] / "docs" / "reference" / "phases.md").read_text()


def test_every_phase_is_explained() -> None:
    table = TOLD.partition("## Phases")[2].partition("## ")[0]
    assert tuple(re.findall(r"^\| (\w+) \|", table, re.MULTILINE)[1:]) == PHASES


def test_the_parts_of_a_start_are_explained() -> None:
    of_services = (
        actions.BOOT_HEALTHY,
        actions.FAILED_STARTS,
        actions.RESTART_DELAY,
        actions.FIRST_LOOK,
        actions.SAID_NO,
        actions.BETWEEN_LOOKS,
    )
    for action in of_services:
        assert f"| SERVICE: {actions.TEXT[action]} |" in TOLD
    assert "was healthy |" in TOLD
    assert "| poll_slack: ... |" in TOLD
    assert f"| {actions.TEXT[actions.REMOVE]}: until SERVICE has ended |" in TOLD
    assert f"| {actions.TEXT[actions.REMOVE_TO_REDEPLOY]} |" in TOLD
    assert f"| {OTHERS} |" in TOLD


def test_every_kind_of_span_is_explained() -> None:
    for kind in get_args(SpanKind):
        assert f"| `{kind}` |" in TOLD
