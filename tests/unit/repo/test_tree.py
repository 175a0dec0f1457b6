"""The tree as strangers get it: tracked files name no machine and no package registry."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cc_ci import errors
from cc_ci.cli.main import COMMANDS

ROOT = Path(__file__).parents[3]

# in pieces, so that this file does not match itself
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("deb", "debian", "org"),
        ("maven", "org"),
        ("proxy", "golang", "org"),
    )
]
FOLDERS = [f"/{name}/" for name in ("work", "farm", "root")]
FORBIDDEN = re.compile(
    "|".join([*map(re.escape, REGISTRIES), *(rf"(?<![\w}})*.]){re.escape(folder)}" for folder in FOLDERS)])
)
IMAGE_SUFFIXES = {".png", ".ico", ".woff2", ".gz"}


def tracked() -> Iterator[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and path.suffix not in IMAGE_SUFFIXES:
            yield path


def test_no_tracked_file_names_a_registry_or_a_machines_folder() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in tracked()
        if any(part in (text := path.read_text(errors="replace")) for part in (*REGISTRIES, *FOLDERS))
        for number, line in enumerate(text.splitlines(), start=1)
        if FORBIDDEN.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("name", ["runtime", "dev", "uv"])
def test_every_locked_package_has_a_version_and_a_hash_and_names_no_place(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    packages = re.split(r"\n(?=\S)", text.strip())
    assert packages
    for package in packages:
        assert re.match(r"^[a-z0-9.-]+==[0-9]\S*", package), package
        assert " --hash=sha256:" in package, package
    assert "://" not in text


def test_what_runs_is_locked_to_the_same_versions_for_development() -> None:
    runtime, dev = (
        set(re.findall(r"^\S+==\S+", (ROOT / "requirements" / f"{name}.txt").read_text(), re.MULTILINE))
        for name in ("runtime", "dev")
    )
    assert runtime <= dev


def test_ci_runs_what_a_developer_runs() -> None:
    commands = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if not line.startswith("#")]
    assert [line.split("exec ")[-1] for line in commands] == ["make test"]


@pytest.mark.parametrize("line", [*REGISTRIES, *(f'"{folder}x"' for folder in FOLDERS)])
def test_the_pattern_sees_each_of_them(line: str) -> None:
    assert FORBIDDEN.search(line)
    assert not FORBIDDEN.search("a framework/, an artwork/x and $PWD/work/x")


def test_the_readme_tells_every_exit_code() -> None:
    told = set(re.findall(r"^\| (\d+) \|", (ROOT / "README.md").read_text(), re.MULTILINE))
    raised = {
        str(kind.exit_code)
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.CcCiError | errors.Stopped)
    }
    assert told == raised | {"0"}


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = set(re.findall(r"\]\((\d{4}-[^)]+\.md)\)", (folder / "README.md").read_text()))
    assert listed == {path.name for path in folder.glob("[0-9]*.md")}


def test_no_line_of_the_changelog_is_there_twice() -> None:
    """A merge that keeps both sides of a conflict makes such lines; 40 characters tell two entries apart."""
    begins = re.findall(r"^- .{20,40}", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert sorted({one for one in begins if begins.count(one) > 1}) == []


def test_the_readme_tells_every_command() -> None:
    told = set(re.findall(r"^\| `cc-ci (\w+)", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert told == set(COMMANDS)


def test_the_table_of_attacks_is_that_of_the_tests() -> None:
    """`scripts/attack-table` writes it anew."""
    checked = subprocess.run(
        [ROOT / "scripts/attack-table", "--check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
