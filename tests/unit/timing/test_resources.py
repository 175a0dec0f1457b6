import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc_ci.system.pressure import Stalled, parse_stalled, read_pressure
from cc_ci.system.process import Completed, LocalRunner
from cc_ci.timing.own_cost import CpuTimes, OwnCost
from cc_ci.timing.readings import CounterReading, NodeReader, parse
from cc_ci.timing.resources import Pressure, SampledResources, Usage
from cc_ci.timing.sampler import ResourceSampler
from cc_ci.timing.series import Sample, Series
from cc_ci.timing.spans import Span

PSI = """\
some avg10=1.50 avg60=2.39 avg300=3.10 total=2000000
full avg10=0.37 avg60=2.20 avg300=2.68 total=500000
"""
BLKIO = "254:0 Read 100\n254:0 Write 30\n254:0 Total 130\n254:16 Read 1\n254:16 Write 2\nTotal 133\n"


def test_pressure_files_are_read() -> None:
    assert parse_stalled(PSI) == Stalled(some_seconds=2.0, some_avg10=1.5, full_seconds=0.5, full_avg10=0.37)
    assert parse_stalled(PSI.splitlines()[0]).full_seconds is None


def test_a_machine_without_pressure_files_has_none(tmp_path: Path) -> None:
    (tmp_path / "cpu").write_text("")
    assert read_pressure(tmp_path) == type(read_pressure(tmp_path))()


@pytest.mark.parametrize(
    ("field", "name", "text", "value"),
    [
        ("cpu_seconds", "cpuacct.usage", "1500000000\n", 1.5),
        ("cpu_seconds", "cpu.stat", "usage_usec 2500000\nuser_usec 1\n", 2.5),
        ("memory_bytes", "memory.usage_in_bytes", "4096\n", 4096),
        ("working_set_bytes", "memory.stat", "inactive_file 1\ntotal_inactive_file 7\n", 7),
        ("working_set_bytes", "memory.stat", "anon 5\ninactive_file 3\n", 3),
        ("resident_bytes", "memory.stat", "rss 1\ntotal_rss 9\n", 9),
        ("resident_bytes", "memory.stat", "anon 5\ninactive_file 3\n", 5),
        ("read_bytes", "blkio.throttle.io_service_bytes_recursive", BLKIO, 101),
        ("written_bytes", "blkio.throttle.io_service_bytes_recursive", BLKIO, 32),
        ("read_bytes", "blkio.throttle.io_service_bytes_recursive", "Total 0\n", None),
        ("read_bytes", "io.stat", "8:0 rbytes=5 wbytes=6 rios=1\n8:16 rbytes=10 wbytes=20\n", 15),
        ("written_bytes", "io.stat", "8:0 rbytes=5 wbytes=6 rios=1\n8:16 rbytes=10 wbytes=20\n", 26),
        ("written_bytes", "io.stat", "", None),
    ],
)
def test_kernel_files_are_parsed(field: str, name: str, text: str, value: float | None) -> None:
    assert parse(field, name, text) == value


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


PROC = {
    "stat": "cpu  100 0 100 5000 300 0 0 0 0 0\ncpu0 1\n",
    "vmstat": "pgpgin 2\npgpgout 3\n",
    "pressure/io": PSI,
}


def test_a_v1_node_is_read_and_what_is_missing_has_a_reason(tmp_path: Path) -> None:
    cgroups = {
        "cpuacct/cc-ci/n/stack/cpuacct.usage": "1000000000",
        "memory/cc-ci/n/stack/memory.usage_in_bytes": "100",
        "memory/cc-ci/n/stack/memory.stat": "total_inactive_file 40\n",
        "blkio/cc-ci/n/stack/blkio.throttle.io_service_bytes_recursive": "Total 0\n",
    }
    reader = NodeReader(
        stack="/cc-ci/n/stack",
        engine=None,
        cgroups=tree(tmp_path / "c", cgroups),
        proc=tree(tmp_path / "p", PROC),
    )
    reading = reader()
    assert reading["machine.cpu_seconds"] > 0
    reading.pop("machine.cpu_seconds")
    assert reading == {
        "stack.cpu_seconds": 1.0,
        "stack.memory_bytes": 100,
        "stack.working_set_bytes": 60,
        "machine.read_bytes": 2048,
        "machine.written_bytes": 3072,
        "pressure.io_some_seconds": 2.0,
        "pressure.io_full_seconds": 0.5,
    }
    reason = "blkio.throttle.io_service_bytes_recursive: counts nothing on this kernel"
    assert reader.why_missing("stack.read_bytes") == reason
    assert reader.why_missing("stack.kernel_peak_bytes") == "memory.max_usage_in_bytes: not there"
    assert "not known" in reader.why_missing("engine.cpu_seconds")
    assert "/proc/pressure" in reader.why_missing("pressure.cpu_some_seconds")


def test_a_v2_node_is_read(tmp_path: Path) -> None:
    cgroups = {
        "cgroup.controllers": "cpu",
        "n/memory.current": "10",
        "n/memory.peak": "20",
        "n/cpu.stat": "usage_usec 1000000\n",
    }
    reader = NodeReader(stack=None, engine="n", cgroups=tree(tmp_path / "c", cgroups), proc=tmp_path)
    assert reader() == {"engine.memory_bytes": 10, "engine.kernel_peak_bytes": 20, "engine.cpu_seconds": 1.0}


def sampled(*readings: CounterReading) -> SampledResources:
    samples = [Sample(at=float(number), reading=reading) for number, reading in enumerate(readings)]
    return SampledResources(samples, why_missing=lambda name: f"no {name}")


def test_a_span_gets_its_share_between_samples_and_the_peak_within() -> None:
    resources = sampled(
        {"stack.cpu_seconds": 10.0, "stack.memory_bytes": 100},
        {"stack.cpu_seconds": 11.0, "stack.memory_bytes": 900},
        {"stack.cpu_seconds": 11.0, "stack.memory_bytes": 300},
    )
    assert resources.between(0.5, 2.0).stack == Usage(cpu_seconds=0.5, peak_memory_bytes=900)
    assert resources.between(1.5, 2.0).stack == Usage(cpu_seconds=0.0, peak_memory_bytes=600)
    assert resources.between(-5.0, 50.0).stack.cpu_seconds == 1.0


def test_what_is_resident_is_a_mean_over_the_time_and_suites_have_a_row_of_their_own() -> None:
    resources = sampled(
        {"suite.cpu_seconds": 1.0, "stack.resident_bytes": 100},
        {"suite.cpu_seconds": 4.0, "stack.resident_bytes": 300},
        {"suite.cpu_seconds": 4.0, "stack.resident_bytes": 300},
    )
    found = resources.between(0.0, 2.0)
    assert found.stack.mean_resident_bytes == (200 + 300) / 2
    assert (found.suite.cpu_seconds, found.engine.cpu_seconds) == (3.0, None)
    assert resources.between(1.5, 1.5).stack.mean_resident_bytes == 300


@given(
    values=st.lists(st.floats(min_value=0, max_value=1e6), min_size=2, max_size=9),
    cut=st.floats(min_value=0, max_value=1),
)
def test_means_of_two_parts_are_that_of_the_whole(values: list[float], cut: float) -> None:
    line = Series(times=tuple(map(float, range(len(values)))), values=tuple(values))
    end = len(values) - 1.0
    at = cut * end
    whole = line.mean(0.0, at) * at + line.mean(at, end) * (end - at)
    assert whole == pytest.approx(line.mean(0.0, end) * end, abs=1e-6)
    assert min(values) - 1e-9 <= line.mean(0.0, end) <= max(values) + 1e-9


def test_a_counter_that_falls_counts_from_there() -> None:
    resources = sampled(
        {"stack.read_bytes": 100},
        {"stack.read_bytes": 150},
        {"stack.read_bytes": 20},
        {"stack.read_bytes": 30},
    )
    assert resources.between(0.0, 3.0).stack.read_bytes == 60


def test_the_kernels_peak_counts_only_if_it_rose() -> None:
    low, high = (
        {"stack.memory_bytes": 50.0, "stack.kernel_peak_bytes": 80.0},
        {"stack.kernel_peak_bytes": 95.0},
    )
    assert sampled(low, {**low, **high}).whole(end=1.0).stack.peak_memory_bytes == 95
    assert sampled(low, low).whole(end=1.0).stack.peak_memory_bytes == 50


def test_spans_get_rows_after_the_whole_run_and_open_ones_end_now() -> None:
    resources = sampled({"pressure.io_some_seconds": 0.0}, {"pressure.io_some_seconds": 2.0})
    whole, first = resources.of([Span(id=7, name="s", start=0.5)], end=1.0)
    assert (whole.span, whole.pressure.io_some_seconds) == (None, 2.0)
    assert (first.span, first.pressure) == (7, Pressure(io_some_seconds=1.0))


def test_what_was_in_no_sample_is_missing_with_its_reason() -> None:
    missing = sampled({"stack.cpu_seconds": 1.0}).missing
    assert "resources.*.stack.cpu_seconds" not in missing
    assert missing["resources.*.stack.peak_memory_bytes"] == "no stack.memory_bytes"
    assert missing["resources.*.pressure.io_full_seconds"] == "no pressure.io_full_seconds"
    assert missing["samples.*.engine_memory_bytes"] == "no engine.memory_bytes"


def test_charts_are_thinned() -> None:
    resources = sampled(*({"stack.cpu_seconds": float(n)} for n in range(1000)))
    chart = resources.chart(limit=100)
    assert len(chart) == 100
    assert (chart[0].at, chart[1].at, chart[1].stack_cpu_seconds) == (0.0, 10.0, 10.0)


values = st.lists(st.floats(min_value=0, max_value=1e6), min_size=1, max_size=20)


@given(values=values, cut=st.floats(min_value=-1, max_value=25))
def test_a_cut_loses_nothing(values: list[float], cut: float) -> None:
    line = Series(times=tuple(map(float, range(len(values)))), values=tuple(values)).rising()
    end = 25.0
    parts = (line.at(cut) - line.at(-1.0)) + (line.at(end) - line.at(cut))
    assert parts == pytest.approx(line.values[-1])
    assert line.at(cut) >= line.at(-1.0) == 0.0


def test_the_sampler_takes_the_first_and_the_last_and_stops(tmp_path: Path) -> None:
    at = iter(range(10))
    reader = NodeReader(stack=None, engine=None, cgroups=tmp_path, proc=tree(tmp_path, PROC))
    with ResourceSampler(reader, elapsed=lambda: float(next(at)), interval=3600) as sampler:
        sampler.sample()
    assert [sample.at for sample in sampler.resources().chart()] == [0.0, 1.0, 2.0]
    assert sampler.resources().between(0.0, 2.0).machine.read_bytes == 0


def test_the_sampler_samples_by_itself(tmp_path: Path) -> None:
    reader = NodeReader(stack=None, engine=None, cgroups=tmp_path, proc=tmp_path)
    third = threading.Event()
    ticks = iter(range(1_000_000))

    def elapsed() -> float:
        tick = next(ticks)
        if tick == 3:
            third.set()
        return float(tick)

    with ResourceSampler(reader, elapsed=elapsed, interval=0.001):
        assert third.wait(10)


def test_own_cost_leaves_out_what_is_no_part_of_cc_ci() -> None:
    """By what each program took, so that programs beside each other are told apart."""
    seen = iter([(1.0, 0.0), (3.0, 8.0)])
    cost = OwnCost(read=lambda: CpuTimes(**dict(zip(("own", "children"), next(seen), strict=True))))

    def took(argv: Sequence[str], **_: object) -> Completed:
        return Completed(argv=tuple(argv), returncode=0, stdout="", stderr="", cpu_seconds=float(argv[1]))

    others = cost.left_out(took)
    assert others(["restic", "2"]).argv == ("restic", "2")
    others(["suite", "3"])
    took(["docker", "1"])
    assert cost.cpu_seconds == 2.0 + 3.0


def test_what_a_program_and_its_children_take_is_known() -> None:
    burn = "import time\nwhile time.process_time() < 0.2: pass"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}], check=True)"
    cost = OwnCost()
    taken = cost.left_out(LocalRunner())([sys.executable, "-c", child]).cpu_seconds
    assert 0.2 < taken < 2.0
    assert cost.cpu_seconds < taken


def test_own_cost_of_this_process_is_seen() -> None:
    assert OwnCost(from_zero=True).cpu_seconds > 0
    assert OwnCost().peak_memory_bytes > 1 << 20
