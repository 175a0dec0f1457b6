import os
import queue
import signal
from collections.abc import Iterator

import pytest

from cc_ci.errors import DeadlinePassed, Interrupted
from cc_ci.pipeline.signals import SIGNALS, Signals
from cc_ci.pipeline.stops import Stops
from cc_ci.system.stopping import StopToken


class Told:
    """What was told, in the order in which it was; waits for what is still to come."""

    def __init__(self) -> None:
        self._lines = queue.SimpleQueue[str]()

    def __call__(self, line: str) -> None:
        self._lines.put(line)

    def next(self) -> str:
        return self._lines.get(timeout=10)


@pytest.fixture
def stops() -> Stops:
    return Stops(StopToken(), StopToken())


@pytest.fixture
def told(stops: Stops) -> Iterator[Told]:
    lines = Told()
    with Signals(stops, tell=lines, doing=lambda: "install.undeploy for 3 s").heard():
        yield lines


def send(number: signal.Signals = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_the_run_and_raises_nothing(number: signal.Signals, stops: Stops, told: Told) -> None:
    send(number)
    assert number.name in told.next()
    assert isinstance(stops.run.reason, Interrupted)
    assert stops.teardown.reason is None


def test_a_second_ctrl_c_is_answered_with_what_is_done_and_how_long_it_may_take(
    stops: Stops, told: Told
) -> None:
    send()
    told.next()
    send()
    answer = told.next()
    for words in ("install.undeploy for 3 s", "600 s", "once more ends it"):
        assert words in answer
    assert stops.teardown.reason is None


def test_a_third_ctrl_c_ends_the_teardown_and_says_what_removes_the_rest(stops: Stops, told: Told) -> None:
    for _ in range(2):
        send()
        told.next()
    send()
    assert "cc-ci reap" in told.next()
    assert isinstance(stops.teardown.reason, Interrupted)


def test_no_supervisor_ends_a_teardown_by_asking_often(stops: Stops, told: Told) -> None:
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
        send(number)
        told.next()
    assert stops.teardown.reason is None


def test_ctrl_c_after_the_deadline_is_answered_too(stops: Stops, told: Told) -> None:
    stops.run.stop(DeadlinePassed("late"))
    send()
    assert "install.undeploy" in told.next()
    assert isinstance(stops.run.reason, DeadlinePassed)


def test_handlers_are_put_back(stops: Stops) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Signals(stops, tell=lambda _line: None, doing=str).heard():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
