"""One measurement at a time, that ends in order."""

import os
import signal
import threading
from pathlib import Path

import pytest

from cc_ci.errors import InfrastructureError
from cc_ci.perf.measuring.canary import REPEATS, canary, loaded_seconds
from cc_ci.perf.measuring.lock import measuring, under_way
from cc_ci.system.clock import SystemClock


@pytest.fixture(autouse=True)
def _own_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC_CI_RUNTIME", str(tmp_path))


def test_a_second_measurement_is_told_of_the_first() -> None:
    with measuring():
        assert under_way()
        with pytest.raises(InfrastructureError, match="another measurement is under way"), measuring():
            pass
    assert not under_way()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_ends_it_lets_it_clean_up_once(number: signal.Signals) -> None:
    cleaned: list[signal.Signals] = []

    def measure() -> None:
        with measuring():
            try:
                os.kill(os.getpid(), number)
            finally:
                os.kill(os.getpid(), number)
                cleaned.append(number)

    usual = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt):
        measure()
    assert cleaned == [number]
    assert not under_way()
    assert signal.getsignal(number) == usual


def test_a_canary_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cc_ci.perf.measuring.canary.HASHES", 4)
    monkeypatch.setattr("cc_ci.perf.measuring.canary.FILES", 60)
    monkeypatch.setattr("cc_ci.perf.measuring.canary.COPIED", bytes(1 << 20))
    seen = canary(tmp_path / "scratch", SystemClock())
    assert seen.cpu > 0 < seen.untar
    assert {work: sorted(counts)[1] for work, counts in seen.raw.items()} == {
        "cpu": seen.cpu,
        "untar": seen.untar,
        "loaded": seen.loaded,
    }
    assert all(len(counts) == REPEATS for counts in seen.raw.values())
    assert list((tmp_path / "scratch").iterdir()) == []


def test_the_loaded_canary_takes_all_cpus_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cc_ci.perf.measuring.canary.COPIED", bytes(1 << 20))
    opened = len(list(Path("/proc/self/fd").iterdir()))
    meeting = threading.Barrier(len(os.sched_getaffinity(0)))
    write = os.pwrite

    def met(file: int, data: bytes, offset: int) -> int:
        if threading.current_thread() is not threading.main_thread():
            meeting.wait(timeout=10)
        return write(file, data, offset)

    monkeypatch.setattr(os, "pwrite", met)
    assert loaded_seconds(SystemClock()) > 0
    assert len(list(Path("/proc/self/fd").iterdir())) == opened
