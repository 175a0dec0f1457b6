"""What a suite names has to be in the recipe, in the way of deployment that is due or in another."""

import subprocess
from pathlib import Path

import pytest
from small_recipe import recipe

from cc_ci.errors import InfrastructureError
from cc_ci.pipeline.subject import Choice, Tested, read_subject
from cc_ci.suite.facts import Suite, read_suite
from cc_ci.system.process import LocalRunner

CACHE = """\
services:
  cache:
    image: redis:7
    volumes: ["cached:/data"]
volumes:
  cached:
"""
NAMED = 'ends = ["cache"]\nunkept = { cached = "made anew at start" }\n'
CACHED = '[variants.cached]\ncompose_files = ["compose.yml", "compose.cache.yml"]\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = recipe(tmp_path / "small", env="COMPOSE_FILE=compose.yml\n")
    (root / "compose.cache.yml").write_text(CACHE)
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    who = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    subprocess.run(["git", "-C", str(root), "add", "-A"], check=True)
    subprocess.run(["git", *who, "-C", str(root), "commit", "-qm", "first"], check=True)
    return root


def suite(tmp_path: Path, facts: str) -> Suite:
    folder = tmp_path / "suites" / "small"
    folder.mkdir(parents=True)
    (folder / "suite.toml").write_text(f'recipe = "small"\n{facts}')
    return read_suite(folder)


def read(root: Path, tmp_path: Path, facts: str, *, variant: str | None = None) -> list[str]:
    """The services of what is to run."""
    tested = Tested(suite=suite(tmp_path, facts), variant=variant)
    subject = read_subject(
        root, choice=Choice(), tested=tested, scratch=tmp_path / "scratch", runner=LocalRunner()
    )
    return sorted(subject.stacks["new"].services)


def test_what_only_a_variant_has_is_no_fault_where_another_runs(root: Path, tmp_path: Path) -> None:
    assert read(root, tmp_path, NAMED + CACHED) == ["app", "db"]


def test_and_none_where_it_runs_itself(root: Path, tmp_path: Path) -> None:
    assert read(root, tmp_path, NAMED + CACHED, variant="cached") == ["app", "cache", "db"]


@pytest.mark.parametrize("further", ["", CACHED.replace("cache.yml", "other.yml")])
def test_what_no_way_has_ends_the_run(root: Path, tmp_path: Path, further: str) -> None:
    with pytest.raises(InfrastructureError, match="unkept: the recipe has no 'cached'"):
        read(root, tmp_path, NAMED + further)


def test_a_variant_that_this_version_lacks_keeps_no_other_from_its_run(root: Path, tmp_path: Path) -> None:
    lacking = CACHED.replace("cached]", "other]").replace("cache.yml", "other.yml")
    assert read(root, tmp_path, NAMED + CACHED + lacking) == ["app", "db"]
