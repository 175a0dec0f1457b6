"""A recipe without a web route, with services that end by design, through a real run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cc_ci.engine.node import Node
from cc_ci.results.schema import RunResult
from cc_ci.results.store import Store

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("busybox")]

WORKERS = """\
version: "3.8"
services:
  app:
    image: busybox:1.37.0
    command: sleep 100000
    init: true
  once:
    image: busybox:1.37.0
    command: "true"
    deploy:
      restart_policy:
        condition: none
  bridge:
    image: busybox:1.37.0
    command: sleep 2
    deploy:
      restart_policy:
        delay: 1s
"""


def run(node: Node, folder: Path, *, ends: str) -> RunResult:
    recipe, suite = folder / "workers", folder / "suites" / "workers"
    recipe.mkdir()
    suite.mkdir(parents=True)
    (recipe / "compose.yml").write_text(WORKERS)
    (recipe / ".env.sample").write_text("TYPE=workers\n")
    (suite / "suite.toml").write_text(f'recipe = "workers"\nends = {ends}\n')
    env = {
        **os.environ,
        "CC_CI_NODE": node.name,
        "CC_CI_RUNS": str(folder / "runs"),
        "CC_CI_SUITES": str(suite.parent),
    }
    argv = [sys.executable, "-m", "cc_ci", "run", str(recipe), "--deadline", "200"]
    subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    return Store(folder / "runs").load()


def test_it_is_judged_by_its_services(node: Node, tmp_path: Path) -> None:
    """One that goes on, one that Swarm starts once, and one that ends and comes again, as the suite says."""
    result = run(node, tmp_path, ends='["bridge"]')
    assert result.verdict == "green", result.because
    install = result.stages[0]
    assert {test.outcome for test in install.tests} == {"passed"}
    assert [test.id for test in install.tests if test.id.startswith("generic: service")] == [
        "generic: service app",
        "generic: service bridge",
        "generic: service once",
    ]
    assert not [span.name for span in result.spans if span.name == "ready: app"]


def test_a_service_that_ends_and_was_not_to_is_the_recipes_fault(node: Node, tmp_path: Path) -> None:
    result = run(node, tmp_path, ends="[]")
    assert (result.verdict, result.stages[0].blame) == ("failed", "recipe")
    assert "service bridge: ended 3 times" in str(result.stages[0].reason)
    assert "if this is by design, name it under `ends` in suite.toml" in str(result.stages[0].reason)
