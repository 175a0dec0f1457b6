"""The recipes of the real workload through their whole life, cold and warm: `make test-heavy`."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from cc_ci.engine.docker_engine import connect
from cc_ci.engine.node import Node
from cc_ci.isolation.image_cache import prepare
from cc_ci.levers.arms import choose
from cc_ci.pipeline.fetching import Selection, rehearse
from cc_ci.results.schema import RunResult, StageName
from cc_ci.results.store import Store
from cc_ci.system.process import LocalRunner

pytestmark = [pytest.mark.integration, pytest.mark.heavy, pytest.mark.timeout(7200)]

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
RUNS = Path(os.environ.get("CC_CI_HEAVY_RUNS", "build/heavy-runs"), WORKER).resolve()
"""Results stay; tests side by side have a folder each."""
RECIPES = ("custom-html", "n8n", "keycloak", "matrix-synapse")
STAGES: tuple[StageName, ...] = ("install", "upgrade", "backup", "restore", "functional", "teardown")


Called = tuple[RunResult, subprocess.CompletedProcess[str]]


@pytest.fixture
def run(reference: Node, tmp_path: Path) -> Callable[..., Called]:
    def call(recipe: str, *, cache: Literal["cold", "warm"]) -> Called:
        subject, _ = rehearse(
            Selection(recipe=recipe),
            choose(),
            ci_domain=reference.ci_domain,
            stage=None,
            keep=False,
            scratch=tmp_path,
            runner=LocalRunner(),
        )
        prepare(connect(reference, LocalRunner()), subject.references, cache=cache)
        argv = [sys.executable, "-m", "cc_ci", "run", recipe, "--deadline", "5400", "--cache", cache]
        env = {**os.environ, "CC_CI_NODE": reference.name, "CC_CI_RUNS": str(RUNS)}
        called = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
        return Store(RUNS).load(), called

    return call


@pytest.mark.parametrize("cache", ["cold", "warm"])
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_whole_life(run: Callable[..., Called], recipe: str, cache: Literal["cold", "warm"]) -> None:
    result, called = run(recipe, cache=cache)
    assert called.returncode == 0, called.stdout + called.stderr
    outcomes: dict[str, str] = {stage.name: stage.outcome for stage in result.stages}
    assert {outcomes[name] for name in STAGES} == {"passed"}
    assert outcomes["sso"] == ("passed" if recipe == "matrix-synapse" else "skipped")
    assert result.cache.proved is True
    assert result.census.leaks == ()
    assert result.phases is not None
    assert result.phases.unattributed_share < 0.02
