"""The recipes of the real workload through their whole life, cold and warm: `make test-heavy`."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cc_ci.engine.node import Node
from cc_ci.lab import node as lab_node
from cc_ci.lab.builds import build, outdated
from cc_ci.lab.images import read_images
from cc_ci.lab.workshop import workshop
from cc_ci.results.schema import RunResult
from cc_ci.results.store import Store
from cc_ci.system.clock import SystemClock
from cc_ci.system.process import LocalRunner

pytestmark = [pytest.mark.integration, pytest.mark.heavy, pytest.mark.timeout(7200)]

HUB = os.environ.get("CC_CI_IMAGES") == "hub"
"""On the true images, where a hub can be reached."""
RUNS = Path(os.environ.get("CC_CI_HEAVY_RUNS", "build/heavy-runs")).resolve()
RECIPES = ("custom-html", "n8n", "keycloak", "matrix-synapse")
STAGES = ("install", "upgrade", "backup", "restore", "functional", "teardown")


@pytest.fixture(scope="module")
def reference() -> Iterator[Node]:
    """The reference node, 2 CPUs and 6 GB whatever the machine has, and every image that recipes name."""
    if not HUB and (due := outdated(read_images())):
        with workshop(runner=LocalRunner(), clock=SystemClock(), say=print) as builder:
            build(due, builder=builder)
    wants = lab_node.Wanted(cpus=2.0, memory_bytes=6 * 2**30, images="hub" if HUB else "standin")
    yield lab_node.up("heavy", wanted=wants)
    lab_node.down("heavy")


Called = tuple[RunResult, subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def run(reference: Node) -> Callable[..., Called]:
    def call(recipe: str, *flags: str) -> Called:
        argv = [sys.executable, "-m", "cc_ci", "run", recipe, "--deadline", "5400", *flags]
        env = {**os.environ, "CC_CI_NODE": reference.name, "CC_CI_RUNS": str(RUNS)}
        called = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
        return Store(RUNS).load(), called

    return call


@pytest.mark.parametrize("cache", ["cold", "warm"])
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_whole_life(run: Callable[..., Called], recipe: str, cache: str) -> None:
    result, called = run(recipe, "--cache", cache)
    assert called.returncode == 0, called.stdout + called.stderr
    outcomes = {stage.name: stage.outcome for stage in result.stages}
    assert {outcomes[name] for name in STAGES} == {"passed"}
    assert outcomes["sso"] == ("passed" if recipe == "matrix-synapse" else "skipped")
    assert result.cache.proved is True
    assert result.census.leaks == ()
    assert result.phases is not None
    assert result.phases.unattributed_share < 0.02
