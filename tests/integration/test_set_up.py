"""Set-up on a machine that has nothing: the real script, and an apt that only tells what it was asked."""

import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
TOOLS = ("bash", "cat", "chmod", "cut", "echo", "grep", "id", "mktemp", "rm", "sed", "sort", "xargs")
POLICY = "/usr/sbin/policy-rc.d"

FAKES = {
    "apt-get": f"""
echo "apt-get $*" >>"$STATE/log"
case "$*" in
*" update") exit "$(cat "$STATE/update-exit")" ;;
*" install "*)
    {POLICY} docker start; echo "policy $?" >>"$STATE/log"
    for word in $*; do echo "installed $word" >>"$STATE/installed"; done
    exit "$(cat "$STATE/apt-exit")" ;;
esac""",
    "apt-cache": 'if [ "$2" = docker-cli ]; then echo "Candidate: (none)"; else echo "  Candidate: 1.0"; fi',
    "dpkg-query": 'cat "$STATE/installed"',
    "dpkg": "echo /lib/systemd/system/$2.service; echo /lib/systemd/system/$2.socket; echo /etc/init.d/$2",
    "deb-systemd-helper": 'echo "disabled for $DPKG_MAINTSCRIPT_PACKAGE: $2" >>"$STATE/log"',
    "update-rc.d": 'echo "update-rc.d $*" >>"$STATE/log"',
}


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder of programs, which is all that the script will find, and what they say in `log`."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, body in FAKES.items():
        (programs / name).write_text(f"#!/bin/bash\n{body}\n")
        (programs / name).chmod(0o755)
    for name in TOOLS:
        found = shutil.which(name)
        assert found, name
        (programs / name).symlink_to(found)
    (tmp_path / "log").touch()
    (tmp_path / "apt-exit").write_text("0")
    (tmp_path / "update-exit").write_text("0")
    (tmp_path / "installed").write_text("installed bash\ndeinstall containerd\n")
    return tmp_path


def set_up(machine: Path, *, has_policy: bool = False, uid: int = 0) -> subprocess.CompletedProcess[str]:
    script = (
        f"{ROOT}/scripts/system-packages; code=$?; if [ -e {POLICY} ]; then echo policy stays; fi; exit $code"
    )
    if has_policy:
        script = f"printf '#!/bin/sh\\nexit 104\\n' >{POLICY}; chmod +x {POLICY}; {script}"
    # empty folders in the place of the machine's: nothing there is found, nothing is written there
    empty = [word for name in ("/usr/sbin", "/usr/local/sbin") for word in ("--tmpfs", name)]
    argv = [
        shutil.which("bwrap") or "bwrap",
        "--unshare-user",
        "--uid",
        str(uid),
        "--bind",
        "/",
        "/",
        "--dev",
        "/dev",
        *empty,
    ]
    return subprocess.run(
        [*argv, "--", f"{machine}/bin/bash", "-c", script],
        env={"PATH": f"{machine}/bin", "STATE": str(machine)},
        capture_output=True,
        text=True,
        check=False,
    )


def log(machine: Path) -> list[str]:
    return (machine / "log").read_text().splitlines()


def test_what_is_missing_is_installed_and_no_service_stays_enabled(machine: Path) -> None:
    done = set_up(machine)
    assert done.returncode == 0, done.stderr
    update, install, policy, *disabled = log(machine)
    assert update.endswith(" update")
    wanted = install.split("--no-install-recommends ")[1].split()
    assert {"docker.io", "containerd", "docker-registry", "restic"} <= set(wanted)
    assert "docker-cli" not in wanted
    assert policy == "policy 101"
    assert sorted(disabled) == sorted(
        line
        for package in ("docker.io", "containerd", "docker-registry")
        for line in (
            f"disabled for {package}: {package}.service",
            f"disabled for {package}: {package}.socket",
            f"update-rc.d {package} disable",
        )
    )
    assert "policy stays" not in done.stdout


def test_an_engine_that_was_here_is_not_touched(machine: Path) -> None:
    (machine / "bin" / "dockerd").symlink_to("/bin/true")
    (machine / "bin" / "containerd").symlink_to("/bin/true")
    (machine / "installed").write_text("installed docker.io\ninstalled containerd\n")
    assert set_up(machine).returncode == 0
    assert not [line for line in log(machine) if "docker.io:" in line or "containerd:" in line]
    assert [line for line in log(machine) if "docker-registry:" in line]


def test_a_policy_of_the_machines_own_is_left_alone(machine: Path) -> None:
    done = set_up(machine, has_policy=True)
    assert done.returncode == 0, done.stderr
    assert "policy 104" in log(machine)
    assert "policy stays" in done.stdout


def test_when_apt_fails_the_policy_is_removed_all_the_same(machine: Path) -> None:
    (machine / "apt-exit").write_text("100")
    done = set_up(machine)
    assert done.returncode == 100
    assert "policy 101" in log(machine)
    assert "policy stays" not in done.stdout


def test_a_source_that_does_not_answer_is_said_and_does_not_end_it(machine: Path) -> None:
    (machine / "update-exit").write_text("100")
    done = set_up(machine)
    assert done.returncode == 0
    assert "set-up: apt-get update failed in part" in done.stderr
    assert " install " in log(machine)[1]


def test_without_root_it_says_so_and_asks_for_nothing(machine: Path) -> None:
    done = set_up(machine, uid=1000)
    assert done.returncode == 3
    assert "set-up: installing them needs root" in done.stderr
    assert log(machine) == []
