import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cc_ci.cli.config import config
from cc_ci.errors import UsageError
from cc_ci.system.settings import NAMES


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "cc-ci.toml").write_text('suites = ["mine", "/theirs"]\ncpus = 2\n')
    return tmp_path


def test_each_value_is_shown_with_where_it_came_from(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC_CI_KEEP_RUNS", "3")
    lines = CliRunner().invoke(config, ["show"]).stdout.splitlines()
    shown = {line.split()[0]: line.split(maxsplit=2)[1:] for line in lines}
    assert tuple(shown) == NAMES
    assert shown["suites"] == ["mine:/theirs", "cc-ci.toml"]
    assert shown["cpus"] == ["2.0", "cc-ci.toml"]
    assert shown["keep_runs"] == ["3", "environment CC_CI_KEEP_RUNS"]
    assert shown["node"] == ["-", "default"]


def test_json_keeps_the_types(project: Path) -> None:
    shown = json.loads(CliRunner().invoke(config, ["show", "--json"]).stdout)["settings"]
    assert shown["suites"] == {"value": ["mine", "/theirs"], "origin": "cc-ci.toml"}
    assert shown["memory"] == {"value": None, "origin": "default"}


def test_an_unknown_key_is_a_usage_error_with_file_and_key(project: Path) -> None:
    (project / "cc-ci.toml").write_text("memroy = 1\n")
    error = CliRunner().invoke(config, ["show"]).exception
    assert isinstance(error, UsageError)
    assert str(error).startswith(
        "cc-ci.toml: setting memroy: not known; did you mean memory? there is node, "
    )
