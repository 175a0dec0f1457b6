from pathlib import Path

import pytest
from click.testing import CliRunner

from cc_ci.cli.logs import logs
from cc_ci.errors import UsageError
from cc_ci.system.files import STATE_VARIABLE


@pytest.fixture(autouse=True)
def run_with_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    evidence = tmp_path / "runs" / "pocket-1" / "evidence" / "install"
    evidence.mkdir(parents=True)
    (evidence.parents[1] / "results.json").write_text("{}")
    (evidence / "app.log").write_text("the app's words\n")
    (evidence / "db.log").write_text("the database's words\n")


def test_the_latest_run_s_logs_are_told() -> None:
    told = CliRunner().invoke(logs, []).output
    assert "the app's words" in told
    assert "the database's words" in told


def test_one_service_is_told() -> None:
    told = CliRunner().invoke(logs, ["pocket", "db"]).output
    assert "the database's words" in told
    assert "the app's words" not in told


def test_a_service_alone_is_of_the_latest_run() -> None:
    assert CliRunner().invoke(logs, ["db"]).output == CliRunner().invoke(logs, ["latest", "db"]).output


def test_a_service_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(UsageError, match=r"no log of cache; there is app, db"):
        CliRunner().invoke(logs, ["pocket", "cache"], catch_exceptions=False)
