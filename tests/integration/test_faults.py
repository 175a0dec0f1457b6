"""Recipes that lose data or never serve: the recipe's fault, before the deadline, with nothing left."""

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from calling import QUICK

from cc_ci.engine.docker_engine import connect
from cc_ci.engine.node import Node
from cc_ci.isolation.census import take
from cc_ci.lab.sources import repository
from cc_ci.results.schema import RunResult, StageResult
from cc_ci.results.store import Store
from cc_ci.system.process import LocalRunner

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("busybox")]

DEADLINE = 300

USUAL = "/cgi-bin:admin:admin\n"

Change = tuple[str, str, str]
"""A file of the small recipe, a text in it, and what stands there instead."""


Run = Callable[..., RunResult]


def carried_out(node: Node, folder: Path, stage: str, *changes: Change) -> RunResult:
    """Run one stage of a changed copy of the small recipe; nothing of it may stay."""
    copy = folder / "pocket"
    shutil.copytree(repository("pocket", runner=LocalRunner()), copy)
    for file, old, new in changes:
        text = (copy / file).read_text()
        assert old in text
        (copy / file).write_text(text.replace(old, new))
    before = take(connect(node, LocalRunner()))
    argv = [sys.executable, "-m", "cc_ci", "run", str(copy), "--stage", stage, *QUICK]
    env = {**os.environ, "CC_CI_NODE": node.name, "CC_CI_RUNS": str(folder / "runs")}
    called = subprocess.run(
        [*argv, "--deadline", str(DEADLINE)], env=env, capture_output=True, text=True, check=False
    )
    assert called.returncode != 2, called.stderr
    assert take(connect(node, LocalRunner())).names() == before.names()
    return Store(folder / "runs").load()


@pytest.fixture
def run(node: Node, tmp_path: Path) -> Run:
    return functools.partial(carried_out, node, tmp_path)


def failed(result: RunResult, stage: str) -> StageResult:
    """The stage that is the recipe's fault, in a run that ended by itself."""
    assert result.exit_code == 1, result.because
    assert result.total_seconds < DEADLINE
    assert result.census.leaks == ()
    found = next(one for one in result.stages if one.name == stage)
    assert (found.outcome, found.blame) == ("failed", "recipe")
    return found


def test_a_dump_that_is_cut_short_is_no_backup(run: Run) -> None:
    # it ends well and so does the restore, as a dump does whose writer dies in a pipe
    cut = (
        "backup.sh",
        "tar -cf backup.tar entries",
        "mkdir -p /tmp/none && tar -cf backup.tar -C /tmp/none .",
    )
    keep_folder = ("backup.sh", "rm -rf entries", "rm -rf entries && mkdir entries")
    stage = failed(run("restore", cut, keep_folder), "restore")
    assert "data was lost" in (stage.reason or "")


def test_a_dump_that_can_t_be_loaded_is_told_with_its_hook(run: Run) -> None:
    cut = ("backup.sh", "tar -cf backup.tar entries", "tar -cf - entries | head -c 700 >backup.tar")
    stage = failed(run("restore", cut), "restore")
    assert "restore.post-hook" in (stage.reason or "")
    assert "compose.yml" in (stage.reason or "")


def test_a_backup_that_leaves_the_app_unable_to_take_data(run: Run) -> None:
    broken = ("backup.sh", "clean) rm -f backup.tar ;;", "clean) rm -rf backup.tar entries; touch entries ;;")
    stage = failed(run("backup", broken), "backup")
    (test,) = [one for one in stage.tests if one.outcome == "failed"]
    assert (test.id, test.deployment) == ("after the first backup the app serves and takes data", "backup")
    assert "after it was written after the first backup; data was lost" in (stage.reason or "")


def test_a_dump_that_leaves_some_notes_out_is_no_backup(run: Run) -> None:
    # short texts, which are all that a small seed has, are in it
    partial = (
        "backup.sh",
        "tar -cf backup.tar entries",
        "tar -cf backup.tar $(find entries -type f ! -name '*-binary')",
    )
    stage = failed(run("restore", partial), "restore")
    assert "-binary: nothing instead of 200000 bytes" in (stage.reason or "")


TITLE = "<h1>pocket</h1>"
UNLIKE_FAULTS = (
    ("httpd.conf.tmpl", "/cgi-bin:pocket:", f"{USUAL}/cgi-bin:pocket:"),
    ("notes.cgi", "key=$QUERY_STRING", 'key=$(echo "$QUERY_STRING" | tr A-Z a-z)'),
    ("index.html.tmpl", TITLE, TITLE + '\n<!-- {{ secret "password" }} -->'),
)


@pytest.fixture(scope="module")
def three_at_once(node: Node, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """One run of a recipe with faults that have nothing to do with each other; each test is about one."""
    return carried_out(node, tmp_path_factory.mktemp("three"), "functional", *UNLIKE_FAULTS)


def red_tests(stage: StageResult, file: str) -> list[str]:
    return [one.id for one in stage.tests if one.outcome == "failed" and one.id.startswith(f"{file}::")]


@pytest.mark.attack(
    what="A recipe has an account with a common password beside the one that it generates.",
    before="The suite tried the right password and one wrong one, and the run was green.",
    now="The suite tries common accounts, and the run fails in the stage functional.",
    layer="input",
)
def test_a_usual_account_beside_the_right_one_is_found(three_at_once: RunResult) -> None:
    (test,) = red_tests(failed(three_at_once, "functional"), "test_doors.py")
    assert test.startswith("test_doors.py::test_no_usual_password_opens_it[admin-admin]")


def test_keys_that_an_app_makes_one_of_lose_data(three_at_once: RunResult) -> None:
    stage = failed(three_at_once, "functional")
    (test,) = red_tests(stage, "test_notes.py")
    assert test.startswith("test_notes.py::test_keys_that_differ_in_case_are_two_notes")
    # nothing else of the recipe is at fault
    assert len([one for one in stage.tests if one.outcome == "failed"]) == 2


def test_a_secret_that_stands_in_a_page_s_source(three_at_once: RunResult) -> None:
    stage = failed(three_at_once, "teardown")
    assert "no secret in answers and on pages: https://" in (stage.reason or "")
    assert "/, in line 5, shows the secret password" in (stage.reason or "")


def test_a_restore_hook_that_is_missing_restores_nothing(run: Run) -> None:
    hook = ("compose.yml", '        - "backupbot.restore.post-hook=/backup.sh load"\n', "")
    stage = failed(run("restore", hook), "restore")
    assert "cc-ci-kept" in (stage.reason or "")


def test_a_migration_that_fails_half_way(run: Run) -> None:
    half = "mv /notes/entries /notes/entries.new && echo step 2 of 3: no space for the index && exit 1"
    migration = ("compose.yml", "entrypoint: /entrypoint.sh", f'entrypoint: ["sh", "-c", "{half}"]')
    result = run("upgrade", migration)
    stage = failed(result, "upgrade")
    assert "service app" in (stage.reason or "")
    assert "its last words: step 2 of 3: no space for the index" in (stage.reason or "")


WAITS_FOR_DB = """entrypoint: ["sh", "-c", "nc -z db 5432 || exit 1"]"""
DB = """services:
  db:
    image: busybox:1.37.0
    command: sleep 1000
    stop_grace_period: 1s
    networks:
      - proxy
    healthcheck:
      test: ["CMD", "false"]
      interval: 1s
      retries: 3
      start_period: 5s
"""


def test_a_service_that_needs_another_which_never_gets_ready(run: Run) -> None:
    changes = (
        ("compose.yml", "entrypoint: /entrypoint.sh", WAITS_FOR_DB),
        ("compose.yml", "services:\n", DB),
        ("compose.yml", "TIMEOUT:-60", "TIMEOUT:-40"),
    )
    stage = failed(run("install", *changes), "install")
    assert "not ready either: db" in (stage.reason or "")
