"""What a node may have that was told nothing, and one that was told."""

import pytest

from cc_ci.lab.budget import DISK, budget
from cc_ci.lab.node_records import Wanted

GIB = 1 << 30


def test_a_node_that_was_told_nothing_leaves_the_machine_a_quarter_of_its_memory() -> None:
    found = budget(Wanted(), machine_memory=8 * GIB)
    assert found.memory_bytes == 6 * GIB
    assert found.apps.disk_bytes == DISK
    assert found.told == frozenset()


@pytest.mark.parametrize("memory", [256 << 20, GIB, 6 * GIB, 64 * GIB])
def test_apps_leave_the_daemons_what_these_need(memory: int) -> None:
    found = budget(Wanted(memory_bytes=memory), machine_memory=128 * GIB)
    stack = found.limits.parts["stack"].memory_bytes
    assert stack is not None
    assert memory // 2 <= stack == found.apps.memory_bytes < memory
    assert memory - stack >= 128 << 20
    assert found.limits.parts["engine"].memory_bytes is None


def test_what_was_told_holds() -> None:
    found = budget(Wanted(memory_bytes=2 * GIB, disk_bytes=5 * GIB, cpus=1.5), machine_memory=8 * GIB)
    assert (found.memory_bytes, found.apps.disk_bytes, found.limits.cpus) == (2 * GIB, 5 * GIB, 1.5)
    assert found.told == {"memory", "disk"}


def test_no_container_may_have_six_thousand_processes() -> None:
    assert budget(Wanted(), machine_memory=GIB).apps.processes_each < 6000
