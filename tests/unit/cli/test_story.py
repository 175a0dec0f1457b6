"""What a command tells while it works."""

import io

import click
import pytest
from rich.console import Console

from cc_ci.cli.story import Story, told_runner


@pytest.mark.parametrize(
    ("options", "told"), [({"verbose": True}, ["true"]), ({"verbose": False}, []), ({}, [])]
)
def test_commands_are_told_when_asked_for(options: dict[str, bool], told: list[str]) -> None:
    lines: list[str] = []
    with click.Context(click.Command("any"), obj=options):
        assert told_runner(lines.append)(["true"]).ok
    assert lines == told


def test_on_a_terminal_what_is_at_work_turns_below_the_lines() -> None:
    written = io.StringIO()
    told = Story(Console(file=written, force_terminal=True, width=60), started=None)
    with told.turning():
        told("install: deploy")
        assert told.at_work().endswith(" s  install: deploy")
        told.follow(lambda: "install 8 s: waiting for [all] tasks 5 s, which is more than a line holds")
        told("install: passed")
    shown = written.getvalue()
    assert "install: passed" in shown
    assert "waiting for [all] tasks" in shown
    assert "holds" not in shown


def test_elsewhere_there_are_lines_only(capsys: pytest.CaptureFixture[str]) -> None:
    told = Story(Console(file=io.StringIO()), started=None)
    with told.turning():
        told.follow(lambda: "never asked")
        told("install: passed")
    assert capsys.readouterr().err == "install: passed\n"
