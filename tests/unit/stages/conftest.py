"""The small bench, as fixtures."""

from pathlib import Path

import pytest
from small_bench import small_bench, small_deployed

from cc_ci.engine.fakes import FakeEngine
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.system.clock import ManualClock
from cc_ci.system.process import ScriptedRunner


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def engine(clock: ManualClock) -> FakeEngine:
    return FakeEngine(clock)


@pytest.fixture
def runner() -> ScriptedRunner:
    return ScriptedRunner()


@pytest.fixture
def bench(tmp_path: Path, engine: FakeEngine, runner: ScriptedRunner) -> Bench:
    return small_bench(tmp_path, engine=engine, runner=runner)


@pytest.fixture
def deployed(bench: Bench, tmp_path: Path) -> Deployed:
    return small_deployed(bench, tmp_path)
