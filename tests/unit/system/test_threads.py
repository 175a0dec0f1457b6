"""A pool tells its work to stop and waits for nobody."""

import subprocess
import sys
import threading
import time

import pytest

from cc_ci.errors import DeadlinePassed, Stopped
from cc_ci.system import stopping
from cc_ci.system.clock import SystemClock
from cc_ci.system.process import LocalRunner
from cc_ci.system.stopping import StopToken, under
from cc_ci.system.threads import Pool


def test_results_and_errors_come_back() -> None:
    def fail() -> None:
        raise ValueError("no")

    with Pool() as pool:
        assert list(pool.map(str, range(20))) == [str(number) for number in range(20)]
        with pytest.raises(ValueError, match="no"):
            pool.submit(fail).result()


@pytest.mark.attack(
    what="A check of an app hangs, so that a thread never ends.",
    before="The wait and the program's end waited for it: it was alive 625 s after a deadline of 50 s.",
    now="cc-ci asks the thread to stop, and abandons it.",
    layer="input",
)
def test_work_that_hangs_is_left_behind() -> None:
    released, left = threading.Event(), threading.Event()

    def hang() -> None:
        released.wait(60)
        left.set()

    with Pool() as pool:
        pool.submit(hang)
    assert not left.is_set()
    released.set()
    assert left.wait(5)


def test_no_end_of_the_program_waits_for_it() -> None:
    code = "import time; from cc_ci.system.threads import Pool; Pool().submit(time.sleep, 60)"
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
    assert time.monotonic() - started < 20


def test_a_program_that_it_runs_is_ended_with_the_block() -> None:
    ended = threading.Event()

    def run() -> None:
        try:
            LocalRunner()(["sleep", "60"])
        finally:
            ended.set()

    with Pool() as pool:
        pool.submit(run)
    assert ended.wait(20)


def test_what_it_works_for_passes_a_stop_on() -> None:
    token = StopToken()
    with under(token), Pool() as pool:
        asleep = pool.submit(SystemClock().sleep, 60.0)
        token.stop(DeadlinePassed("deadline"))
        with pytest.raises(DeadlinePassed, match="deadline"):
            asleep.result(10)
    with Pool() as later:
        asleep = later.submit(lambda: stopping.current().sleep(60.0))
    with pytest.raises(Stopped, match="not waited for"):
        asleep.result(10)
