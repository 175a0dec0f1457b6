"""A run whose suite needs a provider that does not come up, on a real node."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from calling import QUICK

from cc_ci.engine.docker_engine import connect
from cc_ci.engine.node import Node
from cc_ci.isolation.census import take
from cc_ci.lab.sources import lab_folder, repository
from cc_ci.results.store import Store
from cc_ci.system.process import LocalRunner

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("busybox")]


@pytest.fixture
def suites(tmp_path: Path) -> Path:
    """The small recipe's own suite, which now says that it needs Keycloak."""
    root = tmp_path / "suites"
    shutil.copytree(lab_folder().parent / "suites" / "pocket", root / "pocket")
    # the provider's own suite knows of a database that the broken recipe below has not
    (root / "keycloak").mkdir()
    (root / "keycloak" / "suite.toml").write_text('recipe = "keycloak"\n')
    facts = root / "pocket" / "suite.toml"
    facts.write_text(f'needs = ["keycloak"]\n{facts.read_text()}')
    return root


@pytest.fixture
def recipes(tmp_path: Path) -> Path:
    """A recipe by the name of keycloak that ends as soon as it starts, with its last words."""
    folder = tmp_path / "recipes" / "keycloak"
    shutil.copytree(repository("pocket", runner=LocalRunner()), folder)
    compose = folder / "compose.yml"
    broken = compose.read_text().replace(
        "entrypoint: /entrypoint.sh", 'entrypoint: ["sh", "-c", "echo database is locked; exit 3"]'
    )
    compose.write_text(broken)
    git = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "commit", "-qam", "break it"], check=True)
    subprocess.run([*git, "tag", "-a", "9.0.0+1", "-m", "broken"], check=True)
    return folder.parent


def test_a_provider_that_does_not_come_up(node: Node, suites: Path, recipes: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    env = {
        **os.environ,
        "CC_CI_NODE": node.name,
        "CC_CI_RUNS": str(runs),
        "CC_CI_RECIPES": str(recipes),
        "CC_CI_SUITES": str(suites),
    }
    before = take(connect(node, LocalRunner()))
    argv = [sys.executable, "-m", "cc_ci", "run", "pocket", "--stage", "functional", *QUICK]
    called = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=300, check=False)
    result = Store(runs).load()
    assert called.returncode == 5, called.stdout + called.stderr
    functional = next(stage for stage in result.stages if stage.name == "functional")
    assert (functional.outcome, functional.blame) == ("unverified", "provider")
    assert "keycloak: did not come up" in (functional.reason or "")
    assert "app: database is locked" in (functional.reason or "")
    assert result.provider is not None
    assert result.provider.version == "9.0.0+1"
    assert (Store(runs).find().path / "evidence" / "keycloak" / "app.log").exists()
    assert result.census.leaks == ()
    assert take(connect(node, LocalRunner())).names() == before.names()
