"""What a stack that comes up waits for, as whoever looks at a run is told."""

import pytest

from cc_ci.engine.standings import Standings, standing
from cc_ci.system.units import EpochSeconds

NOW = EpochSeconds(1000.0)


@pytest.mark.parametrize(
    ("started", "interval", "looked", "last", "said"),
    [
        (978.0, 30.0, None, None, "app: starting 22 s, looks every 30 s, next in 8 s"),
        (940.0, 30.0, 990.0, "refused", "app: starting 60 s, looks every 30 s, next in 20 s; last: refused"),
        (900.0, 30.0, None, None, "app: starting 100 s, looks every 30 s"),
        (978.0, None, None, None, "app: starting 22 s"),
        (None, 30.0, None, None, "app: no container yet"),
    ],
)
def test_a_service_is_told_by_its_start_and_its_next_look(
    started: float | None, interval: float | None, looked: float | None, last: str | None, said: str
) -> None:
    found = standing(
        "app",
        started=None if started is None else EpochSeconds(started),
        interval=interval,
        looked=None if looked is None else EpochSeconds(looked),
        last=last,
        now=NOW,
    )
    assert found == said


def test_a_line_is_there_until_it_is_taken_back() -> None:
    board = Standings()
    board.say("one", "app: starting 2 s")
    assert (board.of("one"), board.of("two")) == ("app: starting 2 s", "")
    board.say("one", "")
    board.say("one", "")
    assert board.of("one") == ""
