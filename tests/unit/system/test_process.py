"""A program that is followed while it works."""

import sys
from pathlib import Path

import pytest

from cc_ci.system.process import follow


def test_a_followed_program_is_heard_line_by_line() -> None:
    told: list[str] = []
    script = "import sys; print('one', file=sys.stderr); print('two', file=sys.stderr); sys.exit(3)"
    assert follow([sys.executable, "-c", script], env={}, tell=told.append) == 3
    assert told == ["one", "two"]


CLEANING = """
import pathlib, signal, sys, time
def clean(*_):
    pathlib.Path(sys.argv[1]).write_text("cleaned")
    sys.exit(130)
signal.signal(signal.SIGINT, clean)
print("ready", file=sys.stderr, flush=True)
time.sleep(60)
"""


def test_an_interrupt_reaches_a_followed_program_which_may_clean_up(tmp_path: Path) -> None:
    def interrupted(_line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow([sys.executable, "-c", CLEANING, str(tmp_path / "mark")], env={}, tell=interrupted)
    assert (tmp_path / "mark").read_text() == "cleaned"
