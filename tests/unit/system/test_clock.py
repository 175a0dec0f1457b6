"""Clocks are shared by all threads of a run."""

import threading
import time

from cc_ci.errors import Interrupted
from cc_ci.system.clock import ManualClock, SystemClock
from cc_ci.system.stopping import StopToken, under


class Slow(float):
    """Seconds that let another thread go on while they are added."""

    def __radd__(self, other: float) -> float:
        time.sleep(0)
        return other + float(self)


def in_threads(number: int, work: object) -> None:
    threads = [threading.Thread(target=work, args=[one]) for one in range(number)]  # type: ignore[arg-type]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_manual_clock_loses_no_second_that_any_thread_slept() -> None:
    clock = ManualClock(start=5.0)
    in_threads(8, lambda _: [clock.sleep(Slow(1.0)) for _ in range(100)])
    assert clock.monotonic() == 805.0
    assert len(clock.slept) == 800


def test_each_thread_sleeps_under_its_own_token() -> None:
    """Half of them are told to stop, and only they wake up early."""
    clock, tokens, woken = SystemClock(), [StopToken() for _ in range(16)], dict[int, str]()
    asleep = threading.Barrier(17, timeout=20)

    def sleep(number: int) -> None:
        with under(tokens[number]):
            asleep.wait()
            try:
                clock.sleep(30.0 if number % 2 else 0.3)
            except Interrupted as stopped:
                woken[number] = str(stopped)
            else:
                woken[number] = "slept"

    started = time.monotonic()
    sleepers = threading.Thread(target=in_threads, args=[16, sleep])
    sleepers.start()
    asleep.wait()
    for number in range(1, 16, 2):
        tokens[number].stop(Interrupted(f"ended {number}"))
    sleepers.join()
    assert woken == {number: f"ended {number}" if number % 2 else "slept" for number in range(16)}
    assert time.monotonic() - started < 20
