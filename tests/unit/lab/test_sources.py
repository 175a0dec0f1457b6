import subprocess
from pathlib import Path

import pytest

from cc_ci.errors import UsageError
from cc_ci.lab import sources
from cc_ci.system.process import LocalRunner


def git(repository: Path, *arguments: str) -> str:
    argv = ["git", "-C", str(repository), *arguments]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def recipes(tmp_path: Path) -> Path:
    for version, line in (("0.9.0+1.0", "old"), ("0.10.0+1.0", "new")):
        folder = tmp_path / "recipes" / "tiny" / version
        folder.mkdir(parents=True)
        (folder / "compose.yml").write_text(line)
    (tmp_path / "recipes/tiny/0.9.0+1.0/gone.sh").write_text("")
    return tmp_path / "recipes"


def test_versions_become_annotated_tags_in_order_with_the_newest_checked_out(
    recipes: Path, tmp_path: Path
) -> None:
    root = sources.repository("tiny", runner=LocalRunner(), recipes=recipes, into=tmp_path / "out")
    assert root.name == "tiny"
    tags = git(
        root, "for-each-ref", "--format=%(objecttype) %(refname:short)", "refs/tags", "--sort=creatordate"
    )
    assert tags.splitlines() == ["tag 0.9.0+1.0", "tag 0.10.0+1.0"]
    assert sorted(path.name for path in root.iterdir()) == [".git", "compose.yml"]
    assert (root / "compose.yml").read_text() == "new"
    assert git(root, "status", "--porcelain") == ""


def test_the_same_sources_give_the_same_commits_and_changed_ones_another_path(
    recipes: Path, tmp_path: Path
) -> None:
    runner = LocalRunner()
    first = sources.repository("tiny", runner=runner, recipes=recipes, into=tmp_path / "one")
    second = sources.repository("tiny", runner=runner, recipes=recipes, into=tmp_path / "two")
    assert git(first, "rev-parse", "HEAD") == git(second, "rev-parse", "HEAD")
    (recipes / "tiny/0.10.0+1.0/compose.yml").write_text("newer")
    changed = sources.repository("tiny", runner=runner, recipes=recipes, into=tmp_path / "one")
    assert changed.parent != first.parent
    assert git(changed, "rev-parse", "HEAD") != git(first, "rev-parse", "HEAD")


def test_a_repository_that_stands_is_not_built_again(recipes: Path, tmp_path: Path) -> None:
    root = sources.repository("tiny", runner=LocalRunner(), recipes=recipes, into=tmp_path)
    (root / "mark").touch()
    assert (
        sources.repository("tiny", runner=LocalRunner(), recipes=recipes, into=tmp_path) / "mark"
    ).exists()


def test_an_unknown_name_says_which_there_are(recipes: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nope: no such recipe here; there are tiny"):
        sources.repository("nope", runner=LocalRunner(), recipes=recipes, into=tmp_path)


@pytest.mark.parametrize("name", sources.names())
def test_each_shipped_version_says_its_own_tag(name: str, tmp_path: Path) -> None:
    root = sources.repository(name, runner=LocalRunner(), into=tmp_path)
    tags = git(root, "tag").split()
    assert len(tags) >= 2
    for tag in tags:
        compose = git(root, "show", f"{tag}:compose.yml")
        assert f"coop-cloud.${{STACK_NAME}}.version={tag}" in compose
        assert git(root, "show", f"{tag}:release/{tag}")
