"""Whether a machine can map the ids of containers, on made-up ones."""

from pathlib import Path

import pytest

from cc_ci.lab import remapping
from cc_ci.lab.places import REMAPPED_ID, Places
from cc_ci.suite.sandbox import FIRST_UID


@pytest.fixture
def node(tmp_path: Path) -> Places:
    state = tmp_path / "state/nodes/n"
    state.mkdir(parents=True)
    tmp_path.chmod(0o755)
    return Places(name="n", state=state, runtime=tmp_path / "run")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A /proc and an /etc as most machines have them."""
    (tmp_path / "proc/self/ns").mkdir(parents=True)
    (tmp_path / "proc/self/ns/user").touch()
    (tmp_path / "proc/self/uid_map").write_text("         0          0 4294967295\n")
    (tmp_path / "proc/sys/user").mkdir(parents=True)
    (tmp_path / "proc/sys/user/max_user_namespaces").write_text("63000\n")
    (tmp_path / "etc").mkdir()
    for name in ("passwd", "group", "subuid", "subgid"):
        (tmp_path / "etc" / name).touch()
    return tmp_path


def hindrance(node: Places, machine: Path) -> str:
    return remapping.hindrance(node, proc=machine / "proc", etc=machine) or ""


def open_to_all(folder: Path) -> Places:
    """A node whose folder every user may pass through, whatever pytest's own folder is."""
    return Places(name="n", state=Path("/var/lib/nowhere/n"), runtime=folder / "run")


def test_most_machines_can(machine: Path) -> None:
    assert hindrance(open_to_all(machine), machine) == ""


def test_a_kernel_without_user_namespaces_can_t(machine: Path) -> None:
    (machine / "proc/sys/user/max_user_namespaces").write_text("0\n")
    assert "max_user_namespaces" in hindrance(open_to_all(machine), machine)


def test_a_container_without_the_ids_can_t(machine: Path) -> None:
    (machine / "proc/self/uid_map").write_text("0 100000 65536\n")
    assert "no ids to spare" in hindrance(open_to_all(machine), machine)


def test_a_missing_file_is_said_with_what_makes_it(machine: Path) -> None:
    (machine / "etc/subgid").unlink()
    assert hindrance(open_to_all(machine), machine) == "/etc/subgid: missing; `touch /etc/subgid` makes it"


def test_a_folder_that_is_closed_to_the_engine_s_users_is_said(node: Places, machine: Path) -> None:
    closed = node.state.parent
    closed.chmod(0o700)
    assert "`chmod o+x" in hindrance(node, machine)


def test_what_holds_is_kept_until_the_node_goes_down(node: Places) -> None:
    assert not node.remapped
    remapping.keep(node, mapped=True)
    assert node.remapped
    remapping.keep(node, mapped=False)
    assert not node.remapped


def test_volumes_are_where_the_engine_has_them(node: Places) -> None:
    assert node.volumes(remapped=False) == node.state / "docker/volumes"
    assert node.volumes(remapped=True) == node.state / f"docker/{REMAPPED_ID}.{REMAPPED_ID}/volumes"


def test_the_ids_are_nobody_else_s() -> None:
    assert REMAPPED_ID + remapping.COUNT <= FIRST_UID
