"""On made-up trees: version 2 can't be had together with version 1."""

from pathlib import Path

import pytest

from cc_ci.errors import InfrastructureError
from cc_ci.lab.cgroups import CONTROLLERS, Limits, NodeGroup

LIMITS = Limits(cpus=1.5, memory_bytes=6 << 30)
KERNEL_FILES = {
    "memory": ("memory.limit_in_bytes",),
    "cpu": ("cpu.cfs_period_us", "cpu.cfs_quota_us"),
}


def made(folder: Path, *names: str) -> None:
    """What the kernel puts into a new group."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("cgroup.procs", *names):
        (folder / name).touch()


@pytest.fixture
def first(tmp_path: Path) -> Path:
    for controller in CONTROLLERS:
        made(tmp_path / controller)
        made(tmp_path / controller / "cc-ci/x", *KERNEL_FILES.get(controller, ()))
    return tmp_path


@pytest.fixture
def second(tmp_path: Path) -> Path:
    for folder in (tmp_path, tmp_path / "cc-ci", tmp_path / "cc-ci/x"):
        made(folder, "cgroup.subtree_control", "memory.max", "cpu.max")
        (folder / "cgroup.controllers").write_text("cpu io memory pids hugetlb")
    return tmp_path


def test_version_1_limits_memory_and_cpu_of_the_whole_node(first: Path) -> None:
    NodeGroup("/cc-ci/x", root=first).create(LIMITS)
    assert (first / "memory/cc-ci/x/memory.limit_in_bytes").read_text() == str(6 << 30)
    assert (first / "cpu/cc-ci/x/cpu.cfs_quota_us").read_text() == "150000"
    assert (first / "blkio/cc-ci/x/stack").is_dir()


def test_no_limit_lifts_an_earlier_one(first: Path) -> None:
    NodeGroup("/cc-ci/x", root=first).create(Limits())
    assert (first / "memory/cc-ci/x/memory.limit_in_bytes").read_text() == "-1"
    assert (first / "cpu/cc-ci/x/cpu.cfs_quota_us").read_text() == "-1"


def test_version_2_limits_in_one_tree_and_lends_its_controllers(second: Path) -> None:
    NodeGroup("/cc-ci/x", root=second).create(LIMITS)
    group = second / "cc-ci/x"
    assert (group / "memory.max").read_text() == str(6 << 30)
    assert (group / "cpu.max").read_text() == "150000 100000"
    assert (group / "engine").is_dir()
    # the made-up file keeps the last one written
    assert (second / "cc-ci/cgroup.subtree_control").read_text().startswith("+")


def test_a_kernel_without_the_file_is_said_with_its_name(first: Path) -> None:
    (first / "memory/cc-ci/x/memory.limit_in_bytes").unlink()
    with pytest.raises(InfrastructureError, match=r"memory\.limit_in_bytes: .*needs root"):
        NodeGroup("/cc-ci/x", root=first).create(LIMITS)


def test_a_program_joins_one_part_in_every_hierarchy(first: Path) -> None:
    argv = NodeGroup("/cc-ci/x", root=first).join_argv("engine")
    assert argv[:2] == ("sh", "-c")
    assert argv[-1] == "--"
    files = [word for word in argv if word.endswith("/engine/cgroup.procs")]
    assert len(files) == len(CONTROLLERS)


def test_processes_are_those_of_the_group_and_below(first: Path) -> None:
    made(first / "memory/cc-ci/x/stack/abc")
    (first / "memory/cc-ci/x/stack/abc/cgroup.procs").write_text("12\n7\n")
    (first / "cpu/cc-ci/x/cgroup.procs").write_text("7\n")
    assert NodeGroup("/cc-ci/x", root=first).processes() == (7, 12)
