import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cc_ci.cli.doctor import doctor
from cc_ci.errors import InfrastructureError


def test_an_empty_machine_is_told_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CC_CI_STATE", str(tmp_path))
    monkeypatch.setenv("CC_CI_RUNTIME", str(tmp_path))
    shown = CliRunner().invoke(doctor)
    assert isinstance(shown.exception, InfrastructureError)
    assert str(shown.exception).startswith("doctor: no recipe can be tested here: ")
    assert ", restic, " in str(shown.exception)
    lines = shown.stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if line.split()[:2] == ["missing", "restic"])
    assert lines[at + 1].strip() == "-> run `make setup`; for: backups"


def test_json_holds_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CC_CI_STATE", str(tmp_path))
    monkeypatch.setenv("CC_CI_RUNTIME", str(tmp_path))
    told = json.loads(CliRunner().invoke(doctor, ["--json"]).stdout)
    assert (told["schema"], told["version"]) == ("cc-ci.doctor", 1)
    checks = {check["name"]: check for check in told["checks"]}
    assert checks["engine"]["verdict"] == "missing"
    assert checks["python"]["verdict"] == "ok"
    assert checks["private node"]["found"] == "not up"
    assert "cc-ci node up" in checks["private node"]["mend"]
