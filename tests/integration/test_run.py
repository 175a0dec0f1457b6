"""`cc-ci run` as its users call it: on a real node, on the small recipe that ships for it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest
from calling import QUICK, Cli
from junitparser import JUnitXml

from cc_ci.engine.node import Node
from cc_ci.levers.arms import choose
from cc_ci.pipeline.request import Request
from cc_ci.pipeline.run import Run
from cc_ci.results.published import json_schema
from cc_ci.results.schema import RunResult
from cc_ci.results.store import Store, load
from cc_ci.system.clock import SystemClock
from cc_ci.system.process import LocalRunner
from cc_ci.system.redaction import Redactor
from cc_ci.testkit.results import unexplained
from cc_ci.timing.actions import REMOVE, REMOVE_TO_REDEPLOY, UNTIL_ENDED, UNTIL_TOLD, of_removal

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("busybox")]


@pytest.fixture(scope="module")
def cli(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    return Cli(node, tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def green(cli: Cli) -> tuple[RunResult, subprocess.CompletedProcess[str], Path]:
    called = cli("run", "pocket")
    folder = Store(cli.runs).find()
    return load(folder.results), called, folder.path


Green = tuple[RunResult, subprocess.CompletedProcess[str], Path]


class TestWholeRun:
    def test_it_is_green_in_every_stage(self, green: Green) -> None:
        result, called, _ = green
        assert called.returncode == 0, called.stderr
        assert {stage.name: stage.outcome for stage in result.stages} == {
            "install": "passed",
            "upgrade": "passed",
            "backup": "passed",
            "restore": "passed",
            "functional": "passed",
            "sso": "skipped",
            "teardown": "passed",
        }

    def test_its_tests_asserted_something(self, green: Green) -> None:
        result, _, _ = green
        tests = [test for stage in result.stages for test in stage.tests]
        assert len(tests) >= 10
        assert all(test.assertions for test in tests if test.outcome == "passed")

    def test_every_second_has_a_name(self, green: Green) -> None:
        phases = green[0].phases
        assert phases is not None
        assert phases.unattributed_share < 0.02
        assert phases.unattributed_share + phases.wall("overhead") / phases.total_seconds <= 0.05
        assert phases.total_seconds == pytest.approx(sum(row.wall_seconds for row in phases.rows), rel=0.02)

    def test_convergence_is_split_by_the_engine_s_events(self, green: Green) -> None:
        names = {span.name for span in green[0].spans if span.phase == "converge"}
        assert {"app: schedule", "app: create container", "app: boot until healthy"} <= names

    def test_a_removal_is_split_by_the_engine_s_events(self, green: Green) -> None:
        spans = green[0].spans
        for action in (REMOVE, REMOVE_TO_REDEPLOY):
            removals = [span for span in spans if span.action == action]
            assert removals
            for removal in removals:
                told, ended = (span for span in spans if span.parent == removal.id)
                assert (told.action, ended.action) == (
                    of_removal(action, UNTIL_TOLD),
                    of_removal(action, UNTIL_ENDED),
                )
                assert told.attributes["service"] == ended.attributes["service"] == "app"
                assert told.seconds + ended.seconds <= removal.seconds

    def test_the_upgrade_moved_to_another_image(self, green: Green) -> None:
        images = {(image.version, image.digest) for image in green[0].recipe.images}
        assert len(images) == 2
        assert None not in {digest for _, digest in images}

    def test_nulls_have_reasons_and_the_schema_holds(self, green: Green) -> None:
        result, _, folder = green
        assert unexplained(result) == ()
        schema = json.loads(json_schema())
        jsonschema.validate(json.loads((folder / "results.json").read_text()), schema)

    def test_the_census_is_the_same_before_and_after(self, green: Green) -> None:
        census = green[0].census
        assert census.before == census.after
        assert census.leaks == ()

    def test_the_node_was_used_and_measured(self, green: Green) -> None:
        whole = green[0].resources[0]
        assert whole.span is None
        assert whole.stack.cpu_seconds
        assert whole.stack.peak_memory_bytes
        assert whole.engine.cpu_seconds

    def test_tables_and_files_are_there(self, green: Green) -> None:
        result, called, folder = green
        assert "functional" in called.stdout
        assert str(folder / "results.json") in called.stdout
        assert JUnitXml.fromfile(str(folder / "junit.xml")).tests >= 10
        assert json.loads((folder / "trace.json").read_text())["traceEvents"]
        assert (folder / "evidence" / "install" / "app.log").exists()
        assert result.run in cli_logs(green)

    def test_the_story_is_told_as_it_goes(self, green: Green) -> None:
        assert "waiting for all tasks to run and be healthy" in green[1].stderr


def cli_logs(green: Green) -> str:
    folder = green[2]
    env = {**os.environ, "CC_CI_RUNS": str(folder.parent)}
    argv = [sys.executable, "-m", "cc_ci", "logs", folder.name, "app"]
    told = subprocess.run(argv, env=env, capture_output=True, text=True, check=True)
    return told.stdout + told.stderr


def test_secrets_reach_no_file_of_a_run(node: Node, tmp_path: Path) -> None:
    redact = Redactor()
    ran = Run(
        Request(recipe="pocket", node=node, stage="functional", arm=choose("stock", QUICK[1::2])),
        runner=LocalRunner(redact=redact),
        clock=SystemClock(),
        redact=redact,
        store=Store(tmp_path),
        started=time.monotonic(),
        tell=lambda _line: None,
    )()
    assert ran.result.verdict == "green", ran.result.because
    assert redact.secrets
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert written
    leaked = [
        path for path in written for secret in redact.secrets if secret in path.read_text(errors="replace")
    ]
    assert leaked == []


def test_two_chains_go_side_by_side_and_test_all_that_is_tested_elsewhere(cli: Cli) -> None:
    """Two apps of one domain are there at once: the backup of the one is restored over the other."""
    called = cli("run", "pocket", "--profile", "fast", "--lever", "plan.shape=chains2")
    assert called.returncode == 0, called.stdout + called.stderr
    result = cli.latest()
    assert {stage.outcome for stage in result.stages} <= {"passed", "skipped"}
    assert result.census.leaks == ()
    install, upgrade = (
        next(span for span in result.spans if (span.kind, span.name) == ("chain", name))
        for name in ("install", "upgrade")
    )
    assert max(install.start, upgrade.start) < min(install.end or 0.0, upgrade.end or 0.0)
    shown = {test.id for stage in result.stages if stage.name == "restore" for test in stage.tests}
    assert {"the marker is back", "what the old version wrote is back", "later data is gone"} <= shown
    assert not [warning.message for warning in result.warnings if warning.code == "plan"]


def test_plain_containers_go_through_the_same_life(cli: Cli) -> None:
    called = cli("run", "pocket", "--profile", "bare")
    assert called.returncode == 0, called.stdout + called.stderr
    result = cli.latest()
    assert {stage.outcome for stage in result.stages} <= {"passed", "skipped"}
    assert result.census.leaks == ()
    stock, bare = (choose(profile).word("plan.shape") for profile in ("stock", "bare"))
    assert (stock, bare) == ("stages", "chains3")
    assert result.levers["deploy.driver"] == "bare"
    # nothing of it was a service of Swarm's
    assert not [span for span in result.spans if "schedule" in span.name]
