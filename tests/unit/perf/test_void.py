"""The rules by which a run is void."""

import subprocess
from pathlib import Path

from cc_ci.perf.measuring.foreign import CpuCounts, RunGroup, count, foreign_cpus
from cc_ci.perf.measuring.void import usual, void
from cc_ci.results.measured import Canary

USUAL = Canary(cpu=1.0, untar=2.0)


def test_what_is_usual_is_no_single_canary() -> None:
    assert usual([Canary(cpu=1, untar=9), Canary(cpu=2, untar=2), Canary(cpu=9, untar=1)]) == Canary(
        cpu=2, untar=2
    )


def test_a_run_on_a_machine_as_it_was_counts() -> None:
    drifted = Canary(cpu=1.4, untar=7.9)
    assert void(usual=USUAL, before=drifted, after=drifted, foreign_cpus=0.09) is None


def test_each_rule_names_what_it_saw() -> None:
    slow = Canary(cpu=1.0, untar=8.5)
    assert void(usual=USUAL, before=slow, after=USUAL, foreign_cpus=0) == (
        "canary before it: untar took 8.50 s, usual 2.00 s"
    )
    assert void(usual=USUAL, before=USUAL, after=Canary(cpu=1.6, untar=2), foreign_cpus=0) == (
        "canary after it: cpu took 1.60 s, usual 1.00 s"
    )
    assert void(usual=USUAL, before=USUAL, after=None, foreign_cpus=0.3) == (
        "foreign processes used 0.30 CPUs, more than 0.1"
    )


def test_a_machine_that_is_slow_once_all_cpus_work_is_another_one() -> None:
    first = [Canary(cpu=1.0, untar=2.0, loaded=value) for value in (0.5, 0.6, 2.0)]
    reference = usual(first)
    slow = Canary(cpu=1.0, untar=2.0, loaded=0.91)
    assert void(usual=reference, before=slow, after=None, foreign_cpus=0) == (
        "canary before it: all CPUs and memory took 0.91 s, usual 0.60 s"
    )
    older = usual([Canary(cpu=1.0, untar=2.0)])
    assert older.loaded is None
    assert void(usual=older, before=slow, after=None, foreign_cpus=0) is None


def test_what_the_run_and_its_node_used_is_not_foreign() -> None:
    before = CpuCounts(machine=100.0, accounted=40.0)
    after = CpuCounts(machine=180.0, accounted=110.0)
    assert foreign_cpus(before, after, seconds=50.0) == 0.2
    assert foreign_cpus(before, CpuCounts(machine=180.0, accounted=121.0), seconds=50.0) == 0.0


def test_what_a_run_does_in_its_group_is_accounted_for(tmp_path: Path) -> None:
    group = RunGroup("ours", root=_version_1(tmp_path))
    group.create()
    folder = tmp_path / "cpuacct" / "ours"
    (folder / "cpuacct.usage").write_text("0\n")
    (tmp_path / "cpuacct" / "cpuacct.usage").write_text("50000000000\n")
    reading = {"stack.cpu_seconds": 5.0, "engine.cpu_seconds": 1.0, "suite.cpu_seconds": 30.0}
    assert count(reading, group).accounted >= 36.0, "suites and restic have groups of the node's"
    before = count(reading, group)
    ended = subprocess.run([*group.join_argv(), "echo", "ran"], capture_output=True, text=True, check=True)
    (folder / "cpuacct.usage").write_text("7000000000\n")
    assert ended.stdout == "ran\n"
    assert int((folder / "cgroup.procs").read_text()) > 0
    after = count(reading, group)
    assert after.accounted - before.accounted >= 7.0
    assert after.machine == 50.0


def _version_1(root: Path) -> Path:
    (root / "cpuacct").mkdir()
    return root
