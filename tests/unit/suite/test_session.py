"""Which tests of a suite a stage runs, as pytest itself collects them."""

import subprocess
import sys
from pathlib import Path

import pytest

from cc_ci.suite.inside.session import part_options
from cc_ci.suite.protocol import SuitePart

FILES = ("test_app.py", "test_sso.py", "test_sso_roles.py", "deep/test_more.py", "deep/test_sso_deep.py")


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    for name in FILES:
        path = tmp_path / "suite" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"def test_{path.stem}(): pass\n")
    return tmp_path / "suite"


@pytest.mark.parametrize(
    ("part", "collected"),
    [
        ("app", {"test_app.py", "deep/test_more.py"}),
        ("sso", {"test_sso.py", "test_sso_roles.py", "deep/test_sso_deep.py"}),
    ],
)
def test_tests_of_sign_on_run_in_their_own_stage_alone(
    suite: Path, part: SuitePart, collected: set[str]
) -> None:
    argv = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "-c",
        "/dev/null",
        "-p",
        "no:cacheprovider",
    ]
    options = ["--rootdir", str(suite), *part_options(part, folder=suite), str(suite)]
    # from elsewhere, as in the sandbox
    said = subprocess.run([*argv, *options], cwd="/", capture_output=True, text=True, check=True).stdout
    assert {line.partition("::")[0] for line in said.splitlines() if "::" in line} == collected
