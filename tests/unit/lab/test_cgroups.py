"""On made-up trees: version 2 can't be had together with version 1."""

import errno
import os
import subprocess
from pathlib import Path
from subprocess import PIPE

import pytest

from cc_ci.errors import InfrastructureError
from cc_ci.lab.cgroups import (
    CONTROLLERS,
    FIRST_TO_DIE,
    LAST_TO_DIE,
    ROOT,
    GroupPart,
    Limits,
    NodeGroup,
    Share,
)

PARTS: dict[GroupPart, Share] = {
    "engine": Share(reserved_bytes=512 << 20),
    "stack": Share(memory_bytes=5 << 30, processes=16384),
    "suite": Share(memory_bytes=3 << 30, processes=4096),
}
KERNEL_FILES = {
    "memory": ("memory.limit_in_bytes",),
    "pids": ("pids.max",),
    "cpu": ("cpu.cfs_period_us", "cpu.cfs_quota_us"),
}
LIMITS = Limits(cpus=1.5, memory_bytes=6 << 30, parts=PARTS)


def made(folder: Path, *names: str) -> None:
    """What the kernel puts into a new group."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("cgroup.procs", *names):
        (folder / name).touch()


@pytest.fixture
def first(tmp_path: Path) -> Path:
    for controller in CONTROLLERS:
        made(tmp_path / controller)
        for group in ("cc-ci/x", *(f"cc-ci/x/{part}" for part in PARTS)):
            made(tmp_path / controller / group, *KERNEL_FILES.get(controller, ()))
    return tmp_path


@pytest.fixture
def second(tmp_path: Path) -> Path:
    for name in ("", "cc-ci", "cc-ci/x", *(f"cc-ci/x/{part}" for part in PARTS)):
        folder = tmp_path / name
        made(folder, "cgroup.subtree_control", "memory.max", "memory.min", "pids.max", "cpu.max")
        (folder / "cgroup.controllers").write_text("cpu io memory pids hugetlb")
    return tmp_path


def test_version_1_limits_memory_and_cpu_of_the_whole_node(first: Path) -> None:
    NodeGroup("/cc-ci/x", root=first).create(LIMITS)
    assert (first / "memory/cc-ci/x/memory.limit_in_bytes").read_text() == str(6 << 30)
    assert (first / "cpu/cc-ci/x/cpu.cfs_quota_us").read_text() == "150000"
    assert (first / "blkio/cc-ci/x/stack").is_dir()


def test_each_part_has_limits_of_its_own(first: Path) -> None:
    NodeGroup("/cc-ci/x", root=first).create(LIMITS)
    assert (first / "memory/cc-ci/x/stack/memory.limit_in_bytes").read_text() == str(5 << 30)
    assert (first / "memory/cc-ci/x/engine/memory.limit_in_bytes").read_text() == "-1"
    assert (first / "pids/cc-ci/x/stack/pids.max").read_text() == "16384"
    assert (first / "pids/cc-ci/x/suite/pids.max").read_text() == "4096"
    assert (first / "pids/cc-ci/x/engine/pids.max").read_text() == "max"


def test_no_limit_lifts_an_earlier_one(first: Path) -> None:
    NodeGroup("/cc-ci/x", root=first).create(Limits())
    assert (first / "memory/cc-ci/x/memory.limit_in_bytes").read_text() == "-1"
    assert (first / "cpu/cc-ci/x/cpu.cfs_quota_us").read_text() == "-1"


def test_version_2_limits_in_one_tree_and_lends_its_controllers(second: Path) -> None:
    NodeGroup("/cc-ci/x", root=second).create(LIMITS)
    group = second / "cc-ci/x"
    assert (group / "memory.max").read_text() == str(6 << 30)
    assert (group / "cpu.max").read_text() == "150000 100000"
    assert (group / "engine/memory.min").read_text() == str(512 << 20)
    assert (group / "engine/memory.max").read_text() == "max"
    assert (group / "stack/memory.max").read_text() == str(5 << 30)
    assert (group / "suite/pids.max").read_text() == "4096"
    # the made-up file keeps the last one written
    assert (second / "cc-ci/cgroup.subtree_control").read_text().startswith("+")


def test_a_kernel_without_the_file_is_said_with_its_name(first: Path) -> None:
    (first / "memory/cc-ci/x/memory.limit_in_bytes").unlink()
    with pytest.raises(InfrastructureError, match=r"memory\.limit_in_bytes: .*needs root"):
        NodeGroup("/cc-ci/x", root=first).create(LIMITS)


def test_version_2_lends_nothing_where_processes_are(second: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(file: Path, _value: object) -> None:
        if file.name == "cgroup.subtree_control":
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(file))

    monkeypatch.setattr("cc_ci.lab.cgroups._write", busy)
    with pytest.raises(
        InfrastructureError, match=r"cgroup\.subtree_control: processes run in that group itself"
    ):
        NodeGroup("/cc-ci/x", root=second).create(LIMITS)


def test_a_program_joins_one_part_in_every_hierarchy(first: Path) -> None:
    argv = NodeGroup("/cc-ci/x", root=first).join_argv("engine")
    assert argv[:2] == ("sh", "-c")
    assert argv[-1] == "--"
    files = [word for word in argv if word.endswith("/engine/cgroup.procs")]
    assert len(files) == len(CONTROLLERS)
    below = NodeGroup("/cc-ci/x", root=first).join_argv("suite", "session-1")
    assert str(first / "pids/cc-ci/x/suite/session-1/cgroup.procs") in below


def test_where_memory_runs_out_suites_end_before_daemons(first: Path) -> None:
    group = NodeGroup("/cc-ci/x", root=first)
    assert f"echo {LAST_TO_DIE} 2>/dev/null > /proc/self/oom_score_adj" in group.join_argv("engine")[2]
    assert f"echo {FIRST_TO_DIE} 2>/dev/null > /proc/self/oom_score_adj" in group.join_argv("suite")[2]


def test_processes_are_those_of_the_group_and_below(first: Path) -> None:
    made(first / "memory/cc-ci/x/stack/abc")
    (first / "memory/cc-ci/x/stack/abc/cgroup.procs").write_text("12\n7\n")
    (first / "cpu/cc-ci/x/cgroup.procs").write_text("7\n")
    assert NodeGroup("/cc-ci/x", root=first).processes() == (7, 12)


def test_version_2_as_this_kernel_has_it() -> None:
    """The unified tree beside version 1 has no controller of ours; joining and ending need none."""
    root = next((path for path in (ROOT, ROOT / "unified") if (path / "cgroup.controllers").exists()), None)
    if root is None or os.geteuid() != 0 or not os.access(root, os.W_OK):
        pytest.skip("no tree of version 2 that may be written")
    group = NodeGroup(f"/cc-ci/unit-{os.getpid()}", root=root)
    folder = root / f"cc-ci/unit-{os.getpid()}/suite"
    folder.mkdir(parents=True)
    try:
        group.make_below("suite", "one")
        argv = group.join_argv("suite", "one")
        with subprocess.Popen([*argv, "sh", "-c", "echo up; exec sleep 1000"], stdout=PIPE) as sleeper:
            assert sleeper.stdout
            assert sleeper.stdout.readline() == b"up\n"
            assert group.processes("suite", "one") == (sleeper.pid,)
            assert Path(f"/proc/{sleeper.pid}/oom_score_adj").read_text().strip() == str(FIRST_TO_DIE)
            assert group.below("suite") == ("one",)
            group.remove_below("suite", "one")
            assert sleeper.wait(timeout=10) == -9
    finally:
        group.remove()
    assert not folder.exists()
