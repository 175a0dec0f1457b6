"""Commands that make images take turns on a machine, whatever folders they keep their state in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cc_ci.lab.workshop import _scratch
from cc_ci.system.files import RUNTIME_VARIABLE, STATE_VARIABLE

HOLDS = """
import sys
from cc_ci.lab.workshop import _scratch
with _scratch(print):
    print("has it", flush=True)
    sys.stdin.readline()
"""


def test_another_state_waits_for_the_one_builder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RUNTIME_VARIABLE, str(tmp_path / "run"))
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "one"))
    other = {**os.environ, STATE_VARIABLE: str(tmp_path / "other")}
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS],
        env=other,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdin
        assert holder.stdout
        assert holder.stdout.readline() == "has it\n"
        told: list[str] = []

        def hear(line: str) -> None:
            told.append(line)
            # only now: this command was seen to wait
            assert holder.stdin
            holder.stdin.write("\n")
            holder.stdin.flush()

        with _scratch(hear) as scratch:
            assert told == ["waiting for another command that makes images"]
            assert holder.wait(timeout=10) == 0
            assert scratch.is_relative_to(tmp_path / "one")
