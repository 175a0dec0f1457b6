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
        told.follow(
            lambda _width: "install 8 s: waiting for [all] tasks 5 s, more than a line holds for sure"
        )
        told("install: passed")
    shown = written.getvalue()
    assert "install: passed" in shown
    assert "waiting for [all] tasks" in shown
    assert "sure" not in shown


def test_elsewhere_there_are_lines_only(capsys: pytest.CaptureFixture[str]) -> None:
    told = Story(Console(file=io.StringIO()), started=None)
    with told.turning():
        told.follow(lambda _width: "never asked")
        told("install: passed")
    assert capsys.readouterr().err == "install: passed\n"


@pytest.mark.parametrize("columns", [60, 80])
def test_what_is_followed_is_asked_for_the_width_that_the_terminal_has_now(columns: int) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=160)
    told = Story(console, started=None)
    asked: list[int] = []
    told.follow(lambda width: str(asked.append(width)))
    told.at_work()
    console.width = columns
    told.at_work()
    assert asked == [157, columns - 3]


def test_quiet_leaves_warnings_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    told = Story(Console(file=io.StringIO(), force_terminal=False), started=None, quiet=True)
    with told.turning():
        told("install: passed")
        told("warning: the disk is nearly full")
    assert capsys.readouterr().err == "warning: the disk is nearly full\n"
    assert not told.watched
