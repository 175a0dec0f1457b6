"""Which engine `cc-ci node up` takes: by flag, by setting, and never one that came with a recipe."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cc_ci.cli.node import up
from cc_ci.errors import UsageError


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC_CI_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("CC_CI_RUNTIME", str(tmp_path / "run"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("CC_CI_ENGINE", raising=False)
    monkeypatch.chdir(tmp_path)


def called(*flags: str) -> Result:
    return CliRunner().invoke(up, ["--name", "nobody-s", *flags])


@pytest.mark.attack(
    what="A recipe's folder is the current one, and its cc-ci.toml names an engine of its own for the node.",
    before="There was no engine from a path.",
    now="It is refused: an engine from a path must come from a flag or from the user's own file.",
    layer="input",
)
def test_no_engine_comes_with_a_recipe(tmp_path: Path) -> None:
    (tmp_path / "cc-ci.toml").write_text('engine = "./evil"\n')
    (tmp_path / "evil").mkdir()
    refused = called()
    assert isinstance(refused.exception, UsageError)
    assert str(refused.exception) == (
        "cc-ci.toml: engine: ./evil may come with what is tested, and would run as root; give it by --engine"
    )
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        ("bookworm", "engine bookworm: is not kept; there is none"),
        ("./nothing", "engine nothing: there is no such file or folder"),
        ("../", "no root of an engine: its usr has no dockerd"),
    ],
)
def test_an_engine_that_there_is_not_is_refused(engine: str, said: str) -> None:
    refused = called("--engine", engine)
    assert isinstance(refused.exception, UsageError)
    assert said in str(refused.exception)


def test_the_users_own_file_may_name_a_path(tmp_path: Path) -> None:
    (tmp_path / "config/cc-ci").mkdir(parents=True)
    (tmp_path / "config/cc-ci/cc-ci.toml").write_text(f'engine = "{tmp_path}/own"\n')
    (tmp_path / "own").mkdir()
    refused = called()
    assert "own: no root of an engine: its usr has no dockerd" in str(refused.exception)
