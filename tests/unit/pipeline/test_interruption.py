import os
import signal

import pytest

from cc_ci.errors import Interrupted
from cc_ci.pipeline.interruption import DeadlinePassed, Interruption


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.mark.parametrize("number", Interruption.SIGNALS)
def test_a_signal_ends_the_run(number: signal.Signals, told: list[str]) -> None:
    interruption = Interruption(tell=told.append)
    with pytest.raises(Interrupted, match=number.name), interruption.armed(deadline=60):
        os.kill(os.getpid(), number)
    assert isinstance(interruption.fired, Interrupted)


def test_a_signal_in_the_teardown_is_only_told_of(told: list[str]) -> None:
    interruption = Interruption(tell=told.append)
    with interruption.armed(deadline=60), interruption.shielded():
        os.kill(os.getpid(), signal.SIGTERM)
    assert "SIGTERM" in told[0]
    assert interruption.fired is not None


def test_the_second_signal_does_not_raise_again(told: list[str]) -> None:
    interruption = Interruption(tell=told.append)
    with interruption.armed(deadline=60):
        with pytest.raises(Interrupted):
            os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
    assert len(told) == 1


def test_the_deadline_ends_the_run(told: list[str]) -> None:
    interruption = Interruption(tell=told.append)
    with pytest.raises(DeadlinePassed, match="--deadline"), interruption.armed(deadline=0.01):
        signal.pause()


def test_handlers_are_put_back(told: list[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Interruption(tell=told.append).armed(deadline=60):
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
