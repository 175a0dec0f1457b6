"""cc-ci as its users call it: a process of its own, on the test's node."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cc_ci.engine.node import Node
from cc_ci.results.schema import RunResult
from cc_ci.results.store import Store

LONGEST = 400
QUICK = ("--lever", "health.interval=1", "--lever", "readiness.stability=0")
"""For runs of which something else is looked at than how long they wait."""


class Cli:
    """Calls cc-ci as a process of its own, on the test's node, with results kept by themselves."""

    def __init__(self, node: Node, runs: Path) -> None:
        self.node = node
        self.runs = runs
        self.env = {**os.environ, "CC_CI_NODE": node.name, "CC_CI_RUNS": str(runs)}

    def __call__(
        self, *arguments: str, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cc_ci", *arguments],
            env={**self.env, **(env or {})},
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "cc_ci", *arguments],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def latest(self) -> RunResult:
        return Store(self.runs).load()


def until_it_says(process: subprocess.Popen[str], words: str) -> None:
    """Read the story until a line has `words` in it; the process's end fails the test."""
    assert process.stderr is not None
    told = []
    for line in process.stderr:
        told.append(line)
        if words in line:
            return
    pytest.fail(f"it never said {words!r}:\n{''.join(told)}")
