import os
from pathlib import Path

import pytest

from cc_ci.system.machine import look
from cc_ci.system.process import LocalRunner, ScriptedRunner


def program(folder: Path, name: str, says: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)


def test_tools_are_found_on_path_and_asked_for_their_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "a", "docker", "Docker version 28.2.2, build e6534b4")
    program(tmp_path / "b", "docker", "Docker version 20.10.24+dfsg1, build 297e128")
    program(tmp_path / "a", "docker-registry", "docker-registry example/distribution v2.8.2+unknown")
    program(tmp_path / "a", "restic", "restic 0.14.0 compiled with go1.19")
    program(tmp_path / "a", "google-chrome", "Google Chrome")
    (tmp_path / "c").symlink_to(tmp_path / "a")
    monkeypatch.setenv("PATH", os.pathsep.join(str(tmp_path / name) for name in "abc") + os.pathsep + "/bin")
    monkeypatch.setenv("CC_CI_STATE", str(tmp_path / "not" / "yet"))
    machine = look(runner=LocalRunner())
    clients = [(Path(tool.path).parent.name, tool.version) for tool in machine.docker_clients]
    assert clients[:2] == [("a", "28.2.2"), ("b", "20.10.24")]
    assert "c" not in dict(clients)
    assert machine.tools["docker-registry"].version == "2.8.2"
    assert machine.tools["restic"].version == "0.14.0"
    assert machine.disk_path == str(tmp_path)


def test_a_tool_that_fails_has_no_version_and_a_module_that_is_not_there_is_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "git", "git version 2.39.5")
    program(tmp_path, "docker", "Docker version 28.2.2")
    monkeypatch.setenv("PATH", str(tmp_path))
    runner = ScriptedRunner().on(returncode=1)
    machine = look(runner=runner)
    assert set(machine.tools) == {"git"}
    assert machine.tools["git"].version is None
    assert machine.browser is None
    assert not machine.user_namespaces
