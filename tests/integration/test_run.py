"""`cc-ci run` as its users call it: on a real node, on the small recipe that ships for it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import jsonschema
import msgspec
import pytest
from junitparser import JUnitXml

from cc_ci.engine.docker_engine import connect
from cc_ci.engine.node import Node
from cc_ci.isolation.census import NodeCensus, lasting_difference, take
from cc_ci.lab.sources import repository
from cc_ci.levers.arms import choose
from cc_ci.pipeline.request import Request
from cc_ci.pipeline.run import Run
from cc_ci.probes.http import Probe
from cc_ci.results.published import json_schema
from cc_ci.results.schema import RunResult
from cc_ci.results.store import Store, load
from cc_ci.system.clock import SystemClock
from cc_ci.system.process import LocalRunner
from cc_ci.system.redaction import Redactor
from cc_ci.testkit.results import unexplained
from cc_ci.timing.actions import REMOVE, REMOVE_TO_REDEPLOY, UNTIL_ENDED, UNTIL_TOLD, of_removal

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("busybox")]

LONGEST = 400


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


@pytest.fixture(scope="module")
def cli(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    return Cli(node, tmp_path_factory.mktemp("runs"))


@pytest.fixture
def nothing_left(node: Node) -> Iterator[None]:
    """What is on the node after the test is what was there before it."""
    engine = connect(node, LocalRunner())
    clock = SystemClock()
    # what an earlier test had removed may show for seconds
    empty = NodeCensus(items=tuple(item for item in take(engine).items if item.run is None))
    assert lasting_difference(engine, empty, clock=clock)[0].leaks == ()
    yield
    assert lasting_difference(engine, empty, clock=clock)[0].leaks == ()


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


@pytest.mark.usefixtures("nothing_left")
class TestEndings:
    """Whatever ends a run, its things are taken away once."""

    def test_a_signal(self, cli: Cli) -> None:
        process = cli.start("run", "pocket", "--stage", "install")
        until_it_says(process, "install: deploy")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=LONGEST)
        assert process.returncode == 130
        assert cli.latest().verdict == "interrupted"

    def test_a_deadline(self, cli: Cli) -> None:
        called = cli("run", "pocket", "--stage", "install", "--deadline", "4")
        assert called.returncode == 3
        assert "--deadline" in called.stdout

    def test_kill_9_leaves_what_reap_removes_and_a_live_run_is_spared(self, cli: Cli) -> None:
        process = cli.start("run", "pocket", "--stage", "install")
        until_it_says(process, "waiting for all tasks")
        spared = cli("reap")
        assert spared.stdout.startswith("left     run pocket-")
        process.kill()
        process.communicate(timeout=LONGEST)
        reaped = cli("reap")
        assert reaped.returncode == 0, reaped.stderr
        assert "removed  service" in reaped.stdout
        assert "nothing of any run" in cli("reap").stdout

    def test_a_kept_app_serves_until_it_is_reaped_by_name(self, cli: Cli) -> None:
        called = cli("run", "pocket", "--stage", "install", "--keep")
        run = cli.latest()
        assert called.returncode == 0, called.stdout
        url = called.stderr.partition("kept: ")[2].splitlines()[0]
        at = called.stderr.partition("--resolve ")[2].split()[0].rpartition(":")[2]
        with Probe(msgspec.structs.replace(cli.node, address=at)) as probe:
            assert probe.request("GET", url).status == 200
        assert "it was kept" in cli("reap").stdout
        assert "removed  service" in cli("reap", "--run", run.run).stdout


@pytest.mark.usefixtures("nothing_left")
class TestCaches:
    def test_cold_is_proved_empty_and_then_warm_proved_full(self, cli: Cli) -> None:
        assert cli("run", "pocket", "--stage", "install", "--cache", "cold").returncode == 0
        cold = cli.latest().cache
        assert cold.proved is True
        assert all(image.layers_present_before == 0 and image.pulled_bytes for image in cold.images)
        assert cli("run", "pocket", "--stage", "install", "--cache", "warm").returncode == 0
        warm = cli.latest().cache
        assert warm.proved is True
        assert all(image.layers_extracted == 0 for image in warm.images)


Change = tuple[str, str]


@pytest.fixture
def altered(tmp_path: Path) -> Callable[..., str]:
    """A copy of the small recipe in which texts of compose.yml are others; its path."""

    def alter(*changes: Change) -> str:
        copy = tmp_path / "pocket"
        shutil.copytree(repository("pocket", runner=LocalRunner()), copy)
        compose = copy / "compose.yml"
        text = compose.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        compose.write_text(text)
        return str(copy)

    return alter


@pytest.mark.usefixtures("nothing_left")
class TestBrokenRecipes:
    """The recipe is to blame, by file and key where there is one, and soon."""

    def test_a_router_without_a_certificate(self, cli: Cli, altered: Callable[..., str]) -> None:
        shorter = (".timeout=${TIMEOUT:-60}", ".timeout=15")
        path = altered(("tls.certresolver=${LETS_ENCRYPT_ENV}", "tls=true"), shorter)
        called = cli("run", path, "--stage", "install")
        assert called.returncode == 1, called.stdout
        assert "certresolver" in called.stdout

    def test_a_crash_loop_is_not_waited_out(self, cli: Cli, altered: Callable[..., str]) -> None:
        path = altered(("entrypoint: /entrypoint.sh", 'entrypoint: ["sh", "-c", "exit 3"]'))
        called = cli("run", path, "--stage", "install")
        assert called.returncode == 1, called.stdout
        assert "service app: ended" in called.stdout

    def test_an_image_that_no_stand_in_is_of(self, cli: Cli, altered: Callable[..., str]) -> None:
        path = altered(("busybox:1.37.0", "busybox:0.0.1"))
        called = cli("run", path, "--stage", "install")
        assert called.returncode == 3, called.stdout
        assert "busybox:0.0.1: neither built nor loaded here" in called.stdout


def test_secrets_reach_no_file_of_a_run(node: Node, tmp_path: Path) -> None:
    redact = Redactor()
    ran = Run(
        Request(recipe="pocket", node=node, stage="functional"),
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


def test_debian_s_own_client_will_do(cli: Cli) -> None:
    assert (
        cli("run", "pocket", "--stage", "install", env={"PATH": "/usr/bin:/usr/sbin:/bin:/sbin"}).returncode
        == 0
    )


def test_plain_containers_go_through_the_same_life(cli: Cli) -> None:
    called = cli("run", "pocket", "--profile", "bare")
    assert called.returncode == 0, called.stdout + called.stderr
    result = cli.latest()
    assert {stage.outcome for stage in result.stages} <= {"passed", "skipped"}
    assert result.census.leaks == ()
    stock, bare = (choose(profile).word("deploy.share") for profile in ("stock", "bare"))
    assert (stock, bare) == ("none", "chains")
    assert result.levers["deploy.driver"] == "bare"
    # nothing of it was a service of Swarm's
    assert not [span for span in result.spans if "schedule" in span.name]
