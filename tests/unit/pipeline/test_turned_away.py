"""A run that ends before a node is touched has results like any other, and blames whose fault it is."""

import subprocess
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from policy_recipe import write

from cc_ci.engine.node import Node
from cc_ci.errors import UsageError
from cc_ci.pipeline.request import Ran, Request
from cc_ci.pipeline.run import Run
from cc_ci.pipeline.trust import Trust
from cc_ci.report.files import write_files
from cc_ci.report.tables import verdict_line
from cc_ci.results.schema import RunResult
from cc_ci.results.store import Store, load
from cc_ci.system.clock import SystemClock
from cc_ci.system.process import LocalRunner
from cc_ci.system.redaction import Redactor
from cc_ci.testkit.results import unexplained

NOWHERE = Node(
    name="n",
    kind="private",
    docker_host="unix:///nonexistent",
    address="192.0.2.1",
    ci_domain="ci.test",
    ipvs=True,
)
CLOCK = "volumes: ['/etc/localtime:/etc/localtime:ro']\ncap_add: [NET_ADMIN]"


class Runs:
    """Runs on a node that would answer nothing: whoever reaches for it fails otherwise."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "runs")
        self.told: list[str] = []

    def __call__(self, root: Path, **asked: object) -> Ran:
        redact = Redactor()
        request = Request(recipe=str(root), node=NOWHERE, **asked)  # type: ignore[arg-type]
        work = Run(
            request,
            runner=LocalRunner(redact=redact),
            clock=SystemClock(),
            redact=redact,
            store=self.store,
            started=time.monotonic(),
            tell=self.told.append,
        )
        ran = work()
        write_files(ran.result, ran.folder)
        return ran


@pytest.fixture
def run(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


def git(root: Path, *words: str) -> None:
    who = ["-c", "user.name=x", "-c", "user.email=x@localhost"]
    subprocess.run(["git", "-C", root, *who, *words], check=True, capture_output=True)


def outcomes(result: RunResult) -> dict[str, str]:
    return {stage.name: stage.outcome for stage in result.stages}


def test_what_needs_trust_is_unverified_and_nobodys_fault(tmp_path: Path, run: Runs) -> None:
    result = run(write(tmp_path / "clock", service=CLOCK)).result
    install = result.stages[0]
    assert (result.verdict, result.exit_code) == ("unverified", 5)
    assert (install.name, install.outcome, install.blame) == ("install", "unverified", "policy")
    assert install.reason == (
        "compose.yml:14: services.app.volumes./etc/localtime: binds /etc/localtime of the host; "
        "`--trust bind:/etc/localtime` allows it (and 1 more)"
    )
    assert [test.id for test in install.tests] == [
        "policy: bind:/etc/localtime",
        "policy: capability:NET_ADMIN",
    ]
    assert outcomes(result)["teardown"] == "skipped"
    assert sum(line.startswith("refused: compose.yml") for line in run.told) == 2


@pytest.mark.parametrize(
    ("recipe", "verdict", "blame"),
    [
        ({"rule": "Host(`other-123456.ci.test`)"}, "failed", "recipe"),
        ({"rule": "PathPrefix(`/`)", "service": CLOCK}, "failed", "recipe"),
        ({"labels": "cc-ci.run=x"}, "failed", "recipe"),
        ({"service": "ports: ['443:443']"}, "errored", "cc-ci"),
        ({"service": "imgae: nginx"}, "failed", "recipe"),
        ({"top": "volumes: {a: {driver: [x]}}\n"}, "failed", "recipe"),
    ],
)
@pytest.mark.attack(
    what="A recipe takes another run's host or cc-ci's labels, or can't be read at all.",
    before="The recipe was deployed, or the run ended with one line and without results or JUnit.",
    now="The run ends within a second; results and JUnit name the file, the line and whose fault it is.",
    layer="reading",
)
def test_whose_fault_it_is_decides_the_verdict(
    tmp_path: Path, run: Runs, recipe: dict[str, str], verdict: str, blame: str
) -> None:
    ran = run(write(tmp_path / "poc", **recipe))
    result = load(ran.folder.results)
    assert (result.state, result.verdict) == ("finished", verdict)
    assert result.exit_code == {"failed": 1, "errored": 3}[verdict]
    assert (result.stages[0].name, result.stages[0].blame) == ("install", blame)
    assert "compose.yml:" in (result.stages[0].reason or "")
    assert unexplained(result) == ()
    cases = ET.fromstring(ran.folder.junit.read_bytes()).findall(".//testcase[@name='install']")  # noqa: S314
    (bad,) = cases[0]
    assert "compose.yml:" in str(bad.get("message"))


def test_a_suite_that_can_not_be_read_is_ours(tmp_path: Path, run: Runs) -> None:
    root, suites = write(tmp_path / "poc"), tmp_path / "suites"
    (suites / "poc").mkdir(parents=True)
    (suites / "poc" / "suite.toml").write_text('recipe = "poc"\nenv = { LETS_ENCRYPT_ENV = "${NOWHERE}" }\n')
    result = run(root, suite_roots=(suites,)).result
    assert (result.verdict, result.stages[0].blame) == ("errored", "cc-ci")
    assert "suite.toml: env.LETS_ENCRYPT_ENV: ${NOWHERE} is no value of a run" in str(result.stages[0].reason)


def test_one_stage_that_was_asked_for_is_the_one_that_is_refused(tmp_path: Path, run: Runs) -> None:
    result = run(write(tmp_path / "clock", service=CLOCK), stage="install").result
    assert outcomes(result) == {"install": "unverified", "teardown": "skipped"}


def test_stages_that_would_have_come_are_not_green(tmp_path: Path, run: Runs) -> None:
    root = write(tmp_path / "clock")
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "one")
    git(root, "tag", "-a", "1.0.0+1.26.3", "-m", "x")
    write(root, service=CLOCK)
    (root / "compose.yml").write_text((root / "compose.yml").read_text().replace("1.0.0+", "1.1.0+"))
    git(root, "commit", "-qam", "two")
    result = run(root).result
    assert outcomes(result)["upgrade"] == "unverified"
    assert result.stages[1].reason == "not run: nothing was deployed"


def test_a_version_before_that_can_not_be_read_is_no_fault_of_the_new_one(tmp_path: Path, run: Runs) -> None:
    root = write(tmp_path / "clock", service="imgae: nginx")
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "one")
    git(root, "tag", "-a", "1.0.0+1.26.3", "-m", "x")
    write(root, service=CLOCK)
    git(root, "commit", "-qam", "two")
    result = run(root).result
    upgrade = result.stages[1]
    assert (upgrade.name, upgrade.outcome, upgrade.blame) == ("upgrade", "unverified", None)
    assert str(upgrade.reason).startswith("1.0.0+1.26.3: compose.yml:14: services.app.imgae:")


def test_a_name_that_is_no_permission_ends_the_run_at_once(tmp_path: Path, run: Runs) -> None:
    with pytest.raises(UsageError, match=r"--trust bnd:/x: no such permission; did you mean bind\?"):
        run(write(tmp_path / "clock"), trust=Trust(given=("bnd:/x",)))


def test_what_was_trusted_and_not_needed_is_told(tmp_path: Path, run: Runs) -> None:
    given = Trust(given=("bind:/etc/localtime", "bind:/etc/timezone"))
    result = run(write(tmp_path / "clock", service=CLOCK), trust=given).result
    assert result.trusted == ("bind:/etc/localtime",)
    assert "trusted with bind:/etc/localtime" in verdict_line(result).plain
    assert [one.message for one in result.warnings if one.code == "trust"] == [
        "bind:/etc/timezone: trusted, and not needed; did you mean bind:/etc/localtime?"
    ]
