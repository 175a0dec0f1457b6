"""What a command tells while it works."""

import click
import pytest

from cc_ci.cli.story import told_runner


@pytest.mark.parametrize(
    ("options", "told"), [({"verbose": True}, ["true"]), ({"verbose": False}, []), ({}, [])]
)
def test_commands_are_told_when_asked_for(options: dict[str, bool], told: list[str]) -> None:
    lines: list[str] = []
    with click.Context(click.Command("any"), obj=options):
        assert told_runner(lines.append)(["true"]).ok
    assert lines == told
