"""Wrong wiring to a real Keycloak, a real database that is not migrated or not dumped: `make test-heavy`."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cc_ci.engine.docker_engine import connect
from cc_ci.engine.node import Node
from cc_ci.isolation.census import take
from cc_ci.lab.sources import lab_folder, repository
from cc_ci.results.schema import RunResult
from cc_ci.results.store import Store
from cc_ci.system.process import LocalRunner

pytestmark = [pytest.mark.integration, pytest.mark.heavy, pytest.mark.timeout(3600)]

DEADLINE = 1800

Change = tuple[str, str, str]
"""A file of the recipe or its suite, a text in it, and what stands there instead."""


@pytest.fixture
def run(reference: Node, tmp_path: Path) -> Callable[..., RunResult]:
    """Run one stage with changes to copies of a recipe and its suite; nothing of it may stay."""

    def call(recipe: str, stage: str, *changes: Change) -> RunResult:
        source = repository(recipe, runner=LocalRunner())
        for place, folder in (("recipe", source), ("suites", lab_folder().parent / "suites" / recipe)):
            shutil.copytree(folder, tmp_path / place / recipe)
        for file, old, new in changes:
            path = tmp_path / file
            assert old in path.read_text()
            path.write_text(path.read_text().replace(old, new))
        before = take(connect(reference, LocalRunner()))
        argv = [sys.executable, "-m", "cc_ci", "run", str(tmp_path / "recipe" / recipe), "--stage", stage]
        env = {
            **os.environ,
            "CC_CI_NODE": reference.name,
            "CC_CI_RUNS": str(tmp_path / "runs"),
            "CC_CI_SUITES": str(tmp_path / "suites"),
        }
        limit = ["--deadline", str(DEADLINE)]
        called = subprocess.run([*argv, *limit], env=env, capture_output=True, text=True, check=False)
        assert called.returncode == 1, called.stdout + called.stderr
        assert take(connect(reference, LocalRunner())).names() == before.names()
        result = Store(tmp_path / "runs").load()
        assert result.total_seconds < DEADLINE
        assert result.census.leaks == ()
        return result

    return call


def reason(result: RunResult, stage: str) -> str:
    """Why a stage failed by the fault of recipe and suite."""
    found = next(one for one in result.stages if one.name == stage)
    assert (found.outcome, found.blame) == ("failed", "recipe")
    return found.reason or ""


SUITE = "suites/matrix-synapse/suite.toml"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param((SUITE, '"{client_secret}"', '"not-the-secret"'), id="client secret"),
        pytest.param((SUITE, '"/_synapse/client/oidc/callback"', '"/elsewhere"'), id="redirect"),
        pytest.param((SUITE, '"{issuer}"', '"{issuer}-of-another"'), id="issuer"),
    ],
)
def test_wiring_that_is_wrong_is_seen_by_the_log_in(run: Callable[..., RunResult], change: Change) -> None:
    result = run("matrix-synapse", "sso", change)
    assert "test_sso.py::test_a_member_signs_on" in reason(result, "sso")
    # the provider itself did what it should
    provider = [test for stage in result.stages for test in stage.tests if test.deployment == "keycloak"]
    assert [test.outcome for test in provider] == ["passed", "passed"]


def test_a_dump_of_a_real_database_that_is_cut_short(run: Callable[..., RunResult]) -> None:
    dump = 'pg_dump --username "$POSTGRES_USER" --file "$file" "$POSTGRES_DB"'
    cut = 'pg_dump --username "$POSTGRES_USER" "$POSTGRES_DB" | head --bytes=40000 >"$file"'
    assert reason(run("n8n", "restore", ("recipe/n8n/pg_backup.sh", dump, cut)), "restore")


def test_a_migration_of_a_real_database_that_fails(run: Callable[..., RunResult]) -> None:
    # the new version finds a database that it can read, and whose first change is refused
    read_only = "image: postgres:15\n    command: postgres -c default_transaction_read_only=on"
    change = ("recipe/n8n/compose.yml", "image: postgres:15", read_only)
    assert "service app" in reason(run("n8n", "upgrade", change), "upgrade")
