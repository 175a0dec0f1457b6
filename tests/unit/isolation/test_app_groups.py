"""On made-up trees of both versions: what containers have, and what they are kept to."""

import subprocess
import sys
from pathlib import Path

import pytest

from cc_ci.engine.labels import DEPLOYMENT, ROLE, RUN, SERVICE, STACK
from cc_ci.isolation.app_groups import AppGroups, ContainerUse, Owner, owner
from cc_ci.lab.group_counts import Counts

ONE, OTHER = "a" * 64, "b" * 64
NONE = 9223372036854771712
"""Of version 1: no limit."""


def write(file: Path, content: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{content}\n")


def first(root: Path, container: str, *, memory_limit: int, processes_limit: object) -> None:
    memory, pids = (root / tree / "cc-ci/x/stack" / container for tree in ("memory", "pids"))
    write(memory / "memory.usage_in_bytes", 1000)
    write(memory / "memory.limit_in_bytes", memory_limit)
    write(memory / "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2")
    write(pids / "pids.current", 7)
    write(pids / "pids.max", processes_limit)
    write(pids / "pids.events", "max 3")
    write(pids / "cgroup.procs", "")


def second(root: Path, container: str, *, memory_limit: object, processes_limit: object) -> None:
    write(root / "cgroup.controllers", "memory pids")
    group = root / "cc-ci/x/stack" / container
    write(group / "memory.current", 1000)
    write(group / "memory.max", memory_limit)
    write(group / "memory.events", "low 0\nhigh 0\nmax 9\noom 2\noom_kill 2")
    write(group / "pids.current", 7)
    write(group / "pids.max", processes_limit)
    write(group / "pids.events", "max 3")
    write(group / "cgroup.procs", "")


def test_version_1_is_read(tmp_path: Path) -> None:
    first(tmp_path, ONE, memory_limit=NONE, processes_limit="max")
    groups = AppGroups("/cc-ci/x", root=tmp_path)
    assert groups.containers() == (ONE,)
    assert groups.use(ONE) == ContainerUse(counts=Counts(killed=2, refused=3), memory_bytes=1000, processes=7)
    assert groups.use(OTHER) is None


def test_version_2_is_read(tmp_path: Path) -> None:
    second(tmp_path, ONE, memory_limit=1 << 28, processes_limit=4096)
    groups = AppGroups("/cc-ci/x", root=tmp_path)
    assert groups.containers() == (ONE,)
    assert groups.use(ONE) == ContainerUse(
        counts=Counts(killed=2, refused=3),
        memory_bytes=1000,
        memory_limit=1 << 28,
        processes=7,
        processes_limit=4096,
    )


@pytest.mark.parametrize(("had", "has"), [("max", "4096"), (9000, "4096"), (100, "100")])
def test_a_container_is_kept_to_so_many_processes_and_a_lower_limit_stays(
    tmp_path: Path, had: object, has: str
) -> None:
    first(tmp_path, ONE, memory_limit=NONE, processes_limit=had)
    groups = AppGroups("/cc-ci/x", root=tmp_path)
    groups.bound(ONE, processes=4096)
    groups.bound(OTHER, processes=4096)
    assert (tmp_path / "pids/cc-ci/x/stack" / ONE / "pids.max").read_text().strip() == has


def test_what_runs_in_a_container_is_ended(tmp_path: Path) -> None:
    first(tmp_path, ONE, memory_limit=NONE, processes_limit="max")
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"]) as process:
        write(tmp_path / "pids/cc-ci/x/stack" / ONE / "cgroup.procs", process.pid)
        AppGroups("/cc-ci/x", root=tmp_path).kill(ONE)
        assert process.wait(timeout=10) == -9
    AppGroups("/cc-ci/x", root=tmp_path).kill(ONE)


@pytest.mark.parametrize(("had", "has"), [(0, 500), (100, 600), (700, 700)])
def test_an_app_ends_before_the_daemons(tmp_path: Path, had: int, has: int) -> None:
    first(tmp_path, ONE, memory_limit=NONE, processes_limit="max")
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"]) as process:
        score = Path(f"/proc/{process.pid}/oom_score_adj")
        score.write_text(str(had))
        write(tmp_path / "pids/cc-ci/x/stack" / ONE / "cgroup.procs", process.pid)
        for _ in "twice":
            AppGroups("/cc-ci/x", root=tmp_path).expose(ONE)
            assert score.read_text().strip() == str(has)
        process.kill()
    AppGroups("/cc-ci/x", root=tmp_path).expose(ONE)


def test_whose_a_container_is_by_its_labels() -> None:
    labels = {RUN: "r-1", DEPLOYMENT: "install", STACK: "s_ci", SERVICE: "s_ci_db"}
    assert owner(labels) == Owner(run="r-1", deployment="install", service="db")
    assert owner({RUN: "r-1", ROLE: "proxy"}) == Owner(run="r-1", service="proxy")
    assert owner({}) == Owner()
