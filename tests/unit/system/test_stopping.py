"""How work is told to stop, in whichever thread it waits."""

import contextlib
import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from cc_ci.engine.streams import QueuedEvents
from cc_ci.errors import CcCiError, DeadlinePassed, EndedEarly, Interrupted, Stopped
from cc_ci.system.clock import SystemClock
from cc_ci.system.process import LocalRunner
from cc_ci.system.stopping import StopToken, current, under
from cc_ci.system.threads import Pool
from cc_ci.system.waiting import wait_until

LONG = 60.0


class Silent:
    """A stream of events that tells none."""

    def __init__(self) -> None:
        self._closed = threading.Event()

    def __iter__(self) -> "Silent":
        return self

    def __next__(self) -> dict[str, Any]:
        self._closed.wait(LONG)
        raise StopIteration

    def close(self) -> None:
        self._closed.set()


def sleep() -> None:
    SystemClock().sleep(LONG)


def wait() -> None:
    wait_until(lambda: None, name="x", ready=lambda _: False, timeout=LONG, clock=SystemClock())


def listen() -> None:
    with QueuedEvents(Silent()) as events:
        events.next(LONG)


def run_program() -> None:
    LocalRunner()(["sleep", str(LONG)])


def in_a_pool() -> None:
    with Pool(2) as pool:
        pool.submit(sleep).result()


WAITS = [sleep, wait, listen, run_program, in_a_pool]


@pytest.mark.parametrize("work", WAITS)
def test_whatever_waits_ends_when_told_to_in_another_thread(work: Callable[[], None]) -> None:
    token, ended = StopToken(), queue.SimpleQueue[BaseException]()

    def do() -> None:
        try:
            with under(token):
                work()
        except BaseException as error:  # noqa: BLE001 - it is what is looked at
            ended.put(error)

    thread = threading.Thread(target=do)
    thread.start()
    begun = time.monotonic()
    threading.Timer(0.2, token.stop, [Interrupted("ended by SIGINT")]).start()
    error = ended.get(timeout=10)
    thread.join(10)
    assert isinstance(error, Interrupted)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("work", WAITS)
def test_what_was_told_before_does_not_begin_to_wait(work: Callable[[], None]) -> None:
    token = StopToken()
    token.stop(Interrupted("ended by SIGINT"))
    begun = time.monotonic()
    with pytest.raises(Interrupted), under(token):
        work()
    assert time.monotonic() - begun < 5


def test_a_child_of_a_stopped_thread_is_gone() -> None:
    token, argv = StopToken(), ["sleep", "61.25"]
    threading.Timer(0.2, token.stop, [Interrupted("x")]).start()
    with pytest.raises(Interrupted), under(token):
        LocalRunner()(argv)
    assert LocalRunner()(["pgrep", "-f", "^sleep 61.25"]).returncode == 1


@pytest.mark.parametrize("kind", [Interrupted, DeadlinePassed, EndedEarly])
def test_no_except_of_an_error_takes_a_stop(kind: type[Stopped]) -> None:
    token = StopToken()
    token.stop(kind("x"))
    with pytest.raises(kind):
        _swallowing(token.check)
    assert not issubclass(kind, CcCiError)


def _swallowing(work: Callable[[], None]) -> None:
    with contextlib.suppress(Exception):
        work()


def test_the_first_reason_stays() -> None:
    token = StopToken()
    assert token.stop(DeadlinePassed("late"))
    assert not token.stop(Interrupted("x"))
    with pytest.raises(DeadlinePassed, match="late"):
        token.check()


def test_a_part_hears_what_the_whole_is_told_and_keeps_its_own_to_itself() -> None:
    whole, part = StopToken(), StopToken()
    with whole.passed_on(part):
        part.stop(DeadlinePassed("the part was late"))
        assert whole.reason is None
    other = StopToken()
    with whole.passed_on(other):
        whole.stop(Interrupted("x"))
    assert isinstance(other.reason, Interrupted)


def test_a_shield_is_another_token() -> None:
    outer = StopToken()
    outer.stop(Interrupted("x"))
    with under(outer), under(StopToken()):
        current().check()
        SystemClock().sleep(0)


def test_a_block_that_takes_too_long_is_told() -> None:
    token = StopToken()
    with token.within(0.05, DeadlinePassed("late")), pytest.raises(DeadlinePassed):
        token.sleep(LONG)


def test_a_block_that_is_in_time_is_not() -> None:
    token = StopToken()
    with token.within(0.05, DeadlinePassed("late")):
        pass
    time.sleep(0.1)
    assert token.reason is None


def test_each_watcher_is_woken_once_and_none_after_its_block() -> None:
    """A race between a stop and the ends of blocks; without the lock a watcher is woken after its block."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for _ in range(200):
            _race()
    finally:
        sys.setswitchinterval(before)


def _race() -> None:
    token, inside, late = StopToken(), [False] * 8, []

    def block(number: int) -> None:
        def wake() -> None:
            if not inside[number]:
                late.append(number)

        for _ in range(20):
            inside[number] = True
            with token.watched(wake):
                pass
            inside[number] = False

    threads = [threading.Thread(target=block, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    token.stop(Interrupted("x"))
    for thread in threads:
        thread.join()
    assert late == []
