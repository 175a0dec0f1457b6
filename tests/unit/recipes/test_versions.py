"""Which version a tree is upgraded from, on real repositories."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cc_ci.errors import UsageError
from cc_ci.pipeline.subject import Choice, Tested, read_subject
from cc_ci.pipeline.versions import named
from cc_ci.recipes.versions import (
    NoVersionBefore,
    PublishedVersion,
    parse_version,
    published_versions,
    version_before,
)
from cc_ci.system.process import LocalRunner

COMPOSE = """\
services:
  app:
    image: nginx:{image}
    deploy:
      labels: ["coop-cloud.${{STACK_NAME}}.version={label}"]
"""
Git = Callable[..., None]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "blog"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    return folder


def git(root: Path, *arguments: str) -> None:
    who = ["-c", "user.name=x", "-c", "user.email=x@localhost", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", root, *who, *arguments], check=True, capture_output=True)


def release(root: Path, tag: str | None, *, label: str = "1.0.0+1.22") -> None:
    (root / "compose.yml").write_text(COMPOSE.format(image="1.22", label=label))
    (root / "history").open("a").write(f"{tag}\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", f"{tag}")
    if tag:
        git(root, "tag", "-a", "-m", "x", tag)


def before(root: Path, *, of: str | None = None) -> str:
    found = version_before(root, of=of)
    return found.tag if isinstance(found, PublishedVersion) else f"{found.outcome}: {found.reason}"


def test_a_released_tree_is_upgraded_from_the_release_before_it(root: Path) -> None:
    release(root, "1.0.0+1")
    release(root, "1.1.0+1")
    assert before(root) == "1.0.0+1"


def test_a_tree_between_releases_is_upgraded_from_the_last_one_though_its_label_says_the_same(
    root: Path,
) -> None:
    release(root, "1.0.0+1")
    release(root, "1.1.0+1")
    release(root, None, label="1.1.0+1")
    assert before(root) == "1.1.0+1"


def test_a_released_tree_with_changes_is_upgraded_from_that_release(root: Path) -> None:
    release(root, "1.0.0+1")
    (root / "compose.yml").write_text(COMPOSE.format(image="1.26", label="1.0.0+1"))
    assert before(root) == "1.0.0+1"


def test_a_tag_of_another_branch_is_no_version_before(root: Path) -> None:
    release(root, "1.0.0+1")
    git(root, "checkout", "-qb", "next")
    release(root, "2.0.0+2")
    git(root, "checkout", "-q", "main")
    release(root, None)
    assert before(root) == "1.0.0+1"
    git(root, "tag", "-d", "1.0.0+1")
    assert before(root) == "skipped: first release: no tag is an ancestor of the tree (the newest is 2.0.0+2)"


def test_two_tags_of_one_commit_are_one_version(root: Path) -> None:
    release(root, "1.0.0+1")
    release(root, "1.0.3+1.0.3")
    git(root, "tag", "v1.0.3")
    assert before(root) == "1.0.0+1"


def test_what_is_tested_by_its_tag_is_upgraded_from_an_ancestor_of_the_tag(root: Path) -> None:
    for tag in ("1.0.0+1", "1.1.0+1", "1.2.0+1"):
        release(root, tag)
    assert before(root, of="1.1.0+1") == "1.0.0+1"
    assert before(root, of="1.0.0+1").startswith("skipped: first release")


def test_a_tag_that_is_no_version_makes_no_release(root: Path) -> None:
    release(root, "latest")
    release(root, None)
    assert before(root) == "skipped: first release: no earlier version is published"


def test_a_folder_without_history_is_no_first_release(tmp_path: Path) -> None:
    assert before(tmp_path) == "skipped: there is no git history, so that no earlier version is known"


def test_a_shallow_clone_leaves_the_upgrade_unverified_and_names_the_command(
    root: Path, tmp_path: Path
) -> None:
    release(root, "1.0.0+1")
    release(root, None)
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{root}", "shallow")
    found = version_before(tmp_path / "shallow")
    assert isinstance(found, NoVersionBefore)
    assert found.outcome == "unverified"
    assert "git fetch --unshallow --tags" in found.reason


def test_a_clone_without_the_tags_leaves_the_upgrade_unverified(root: Path, tmp_path: Path) -> None:
    release(root, "1.0.0+1")
    release(root, None)
    git(tmp_path, "clone", "-q", "--no-tags", f"file://{root}", "tagless")
    assert before(tmp_path / "tagless") == (
        "unverified: the clone has no tags, and its remote has 1; git fetch --tags gets them"
    )


def test_a_remote_that_is_gone_leaves_the_upgrade_unverified(root: Path, tmp_path: Path) -> None:
    release(root, None)
    git(tmp_path, "clone", "-q", "--no-tags", f"file://{root}", "tagless")
    root.rename(tmp_path / "gone")
    assert before(tmp_path / "tagless").startswith(
        "unverified: the clone has no tags, and its remote can't be asked"
    )


@pytest.mark.attack(
    what="A repository's settings name a program for its remote.",
    before="cc-ci did not query the remote at that time.",
    now="Only the address is used, and only with protocols that run no program.",
    layer="reading",
)
@pytest.mark.parametrize("url", ["ext::sh -c touch% {canary}", "{root}"])
def test_no_program_that_a_remote_names_is_run(root: Path, tmp_path: Path, url: str) -> None:
    release(root, None)
    canary = tmp_path / "canary"
    git(root, "config", "remote.origin.url", url.format(canary=canary, root=root))
    git(root, "config", "remote.origin.uploadpack", f"touch {canary}; false")
    git(root, "config", "core.sshCommand", f"touch {canary}")
    git(root, "config", "protocol.ext.allow", "always")
    before(root)
    assert not canary.exists()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("v1.0.3", "1.0.3+1.0.3", True),
        ("1.0.3+1.0.3", "1.0.3+v1.0.3", True),
        ("1.0.3+1.0.3", "1.0.3+1.0.4", False),
        ("1.0", "1.0.0", True),
        ("1.0.0-rc1", "1.0.0", False),
    ],
)
def test_an_upstream_part_that_one_side_leaves_out_is_no_difference(one: str, other: str, same: bool) -> None:  # noqa: FBT001 - parametrized
    left, right = parse_version(one), parse_version(other)
    assert left
    assert right
    assert left.names(right) is right.names(left) is same


def test_a_version_is_found_by_its_left_part(root: Path) -> None:
    release(root, "2.0.0+1.0.5")
    release(root, "2.0.1+1.0.6-alpine")
    found = published_versions(root)
    assert named(found, "2.0.1").tag == "2.0.1+1.0.6-alpine"
    git(root, "tag", "2.0.1+1.0.7")
    with pytest.raises(
        UsageError, match=r"2\.0\.1: is one of 2\.0\.1\+1\.0\.6-alpine, 2\.0\.1\+1\.0\.7; name one"
    ):
        named(published_versions(root), "2.0.1")
    with pytest.raises(UsageError, match=r"3\.0\.0: not published; there is 2\.0\.0\+1\.0\.5"):
        named(found, "3.0.0")


def test_a_run_knows_both_commits_and_why_there_is_no_version_before(root: Path, tmp_path: Path) -> None:
    release(root, "1.0.0+1")
    release(root, None)
    runner = LocalRunner()
    one = read_subject(root, choice=Choice(), tested=Tested(), scratch=tmp_path / "1", runner=runner)
    assert one.described.commit_from
    assert one.described.commit_from != one.described.commit_to
    other = read_subject(
        root, choice=Choice(from_="none"), tested=Tested(), scratch=tmp_path / "2", runner=runner
    )
    assert other.described.commit_from is None
    assert other.no_previous
    assert other.no_previous.reason == "--from none: there is no earlier version"
