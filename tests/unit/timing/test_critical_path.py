import math
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc_ci.timing.actions import POLL_SLACK
from cc_ci.timing.critical_path import NANO, PhaseTable, attribute
from cc_ci.timing.phases import PHASES, Phase
from cc_ci.timing.spans import Span


def span(
    id_: int,
    start: float,
    end: float | None,
    phase: Phase | None,
    *,
    parent: int | None = None,
    name: str = "s",
    action: str | None = None,
) -> Span:
    return Span(id=id_, name=name, start=start, end=end, phase=phase, parent=parent, action=action)


def path(table: PhaseTable) -> list[tuple[float, float, Phase | None]]:
    return [(part.start, part.end, part.phase) for part in table.path]


def test_sequential_run_gives_each_instant_to_the_deepest_open_span() -> None:
    spans = [span(1, 0, 10, "deploy"), span(2, 2, 8, "converge", parent=1), span(3, 4, 5, "ready", parent=2)]
    assert path(attribute(spans, end=12)) == [
        (0, 2, "deploy"),
        (2, 4, "converge"),
        (4, 5, "ready"),
        (5, 8, "converge"),
        (8, 10, "deploy"),
        (10, 12, None),
    ]


def test_longest_branch_counts_and_both_are_busy() -> None:
    spans = [
        span(1, 0, 10, None),
        span(2, 0, 10, None, parent=1),
        span(3, 0, 6, None, parent=1),
        span(4, 0, 10, "deploy", parent=2),
        span(5, 0, 6, "images_pull", parent=3),
    ]
    table = attribute(spans, end=10)
    assert (table.wall("deploy"), table.wall("images_pull")) == (10, 0)
    assert {row.phase: row.busy_seconds for row in table.rows} == {"images_pull": 6, "deploy": 10}


def test_a_span_is_busy_where_no_child_of_it_is_open() -> None:
    spans = [span(1, 0, 10, "deploy"), span(2, 0, 8, "test", parent=1), span(3, 1, 3, "test", parent=1)]
    busy = {row.phase: row.busy_seconds for row in attribute(spans, end=10).rows}
    assert busy == {"deploy": 2, "test": 10}


def test_what_ended_just_before_is_waited_for_rather_than_what_ran_on() -> None:
    pull, secrets, deploy = span(1, 0, 5, "images_pull"), span(2, 0, 3, "secrets"), span(3, 3.1, 10, "deploy")
    assert path(attribute([pull, secrets, deploy], end=10)) == [
        (0, 3, "secrets"),
        (3, 3.1, "images_pull"),
        (3.1, 10, "deploy"),
    ]


def test_time_in_no_phase_on_the_path_is_unattributed() -> None:
    table = attribute([span(1, 0, 10, None), span(2, 1, 9, "test", parent=1)], end=10)
    assert (table.unattributed_seconds, table.unattributed_share) == (2, 0.2)


def test_a_grouping_span_takes_the_phase_above_it() -> None:
    table = attribute([span(1, 0, 4, "upgrade"), span(2, 1, 3, None, parent=1)], end=4)
    assert table.wall("upgrade") == 4


def test_open_spans_end_now() -> None:
    assert attribute([span(1, 1, None, "ready")], end=4).wall("ready") == 3


def test_a_span_whose_thread_was_left_behind_ends_with_what_is_above_it() -> None:
    table = attribute([span(1, 0, 2, "deploy"), span(2, 1, None, "images_pull", parent=1)], end=5)
    assert path(table) == [(0, 1, "deploy"), (1, 2, "images_pull"), (2, 5, None)]


def test_the_path_goes_through_the_chain_that_ended_last_and_on_where_another_was_waited_for() -> None:
    """Two chains side by side, then a third one that could not begin before the longer was done."""
    spans = [
        span(1, 0, 20, None, name="run"),
        span(2, 0, 12, None, parent=1, name="install"),
        span(3, 0, 12, "converge", parent=2),
        span(4, 0, 9, None, parent=1, name="upgrade"),
        span(5, 0, 9, "upgrade", parent=4),
        span(6, 12, 20, None, parent=1, name="fresh"),
        span(7, 12, 20, "restore", parent=6),
    ]
    table = attribute(spans, end=20)
    assert path(table) == [(0, 12, "converge"), (12, 20, "restore")]
    assert {row.phase: row.busy_seconds for row in table.rows} == {"converge": 12, "upgrade": 9, "restore": 8}
    assert sum(row.wall_seconds for row in table.rows) == table.total_seconds


def test_overhead_and_poll_slack_list_their_spans() -> None:
    spans = [
        span(1, 0, 1, "overhead", name="plan"),
        span(2, 1, 4, "overhead", name="write"),
        span(3, 4, 8, "converge"),
        span(4, 7, 8, "converge", parent=3, name="poll_slack: converge", action=POLL_SLACK),
    ]
    table = attribute(spans, end=8)
    assert [(part.name, part.seconds) for part in table.overhead] == [("write", 3), ("plan", 1)]
    assert [(part.name, part.seconds) for part in table.poll_slack] == [("poll_slack: converge", 1)]


def test_a_run_without_time_has_no_shares() -> None:
    assert attribute([], end=0).unattributed_share == 0.0


stamps = st.floats(min_value=0, max_value=100, allow_nan=False)


@st.composite
def any_spans(draw: st.DrawFn) -> list[Span]:
    spans: list[Span] = []
    for number in range(1, draw(st.integers(0, 12)) + 1):
        start, end = sorted((draw(stamps), draw(stamps)))
        parent = draw(st.none() | st.sampled_from(range(1, number))) if number > 1 else None
        phase = draw(st.none() | st.sampled_from(PHASES))
        made = span(number, start, draw(st.none() | st.just(end)), phase, parent=parent)
        spans.append(inside(made, spans[parent - 1]) if parent else made)
    return spans


def inside(made: Span, above: Span) -> Span:
    """As `Trace` makes them: no span sticks out of its parent."""
    last = math.inf if above.end is None else above.end
    start = min(max(made.start, above.start), last)
    end = last if made.end is None else min(max(made.end, start), last)
    return msgspec.structs.replace(made, start=start, end=None if end == math.inf else end)


@st.composite
def sequential_spans(draw: st.DrawFn) -> list[Span]:
    """Spans as one thread makes them: begun and ended in turn, the last begun ends first."""
    spans: dict[int, Span] = {}
    open_: list[int] = []
    at = 0.0
    for begin in draw(st.lists(st.booleans(), max_size=30)):
        at += draw(st.floats(min_value=0, max_value=5))
        if begin or not open_:
            number = len(spans) + 1
            parent = open_[-1] if open_ else None
            spans[number] = span(number, at, None, draw(st.sampled_from(PHASES)), parent=parent)
            open_.append(number)
        else:
            done = spans[open_.pop()]
            spans[done.id] = span(done.id, done.start, at, done.phase, parent=done.parent)
    return list(spans.values())


def nano(seconds: float) -> int:
    return round(seconds * NANO)


def covered(spans: Sequence[Span], end: float) -> int:
    """Nanoseconds in which any span was open."""
    total, at = 0, 0
    for first, last in sorted((nano(s.start), nano(end if s.end is None else s.end)) for s in spans):
        begin, stop = max(at, first), min(last, nano(end))
        if stop > begin:
            total, at = total + stop - begin, stop
    return total


@given(spans=any_spans(), end=stamps)
def test_each_instant_of_any_spans_has_one_place(spans: list[Span], end: float) -> None:
    table = attribute(spans, end=end)
    adds_up_exactly(table, end)
    has_no_gap_and_no_overlap(table, end)
    in_a_span = [part for part in table.path if part.span is not None]
    assert sum(nano(part.end) - nano(part.start) for part in in_a_span) == covered(spans, end)
    assert all(0 <= row.wall_seconds <= row.busy_seconds for row in table.rows)
    assert attribute(spans[::-1], end=end).rows == table.rows, "the order of records does not matter"


def adds_up_exactly(table: PhaseTable, end: float) -> None:
    walls = [nano(row.wall_seconds) for row in table.rows]
    assert sum(walls) + nano(table.unattributed_seconds) == nano(table.total_seconds) == nano(end)


def has_no_gap_and_no_overlap(table: PhaseTable, end: float) -> None:
    borders = [0.0]
    for part in table.path:
        assert part.start == borders[-1] < part.end
        borders.append(part.end)
    assert nano(borders[-1]) == nano(end)


@given(spans=sequential_spans(), more=st.floats(min_value=0, max_value=5))
def test_a_sequential_run_is_attributed_by_the_deepest_span(spans: list[Span], more: float) -> None:
    end = max((s.end or s.start for s in spans), default=0.0) + more
    table = attribute(spans, end=end)
    deepest = {s.id: s for s in spans}
    for part in table.path:
        middle = (nano(part.start) + nano(part.end)) / 2
        open_ = [s for s in spans if nano(s.start) < middle < nano(end if s.end is None else s.end)]
        assert part.span == (max(s.id for s in open_) if open_ else None)
        assert part.phase == (deepest[part.span].phase if part.span else None)
    assert all(row.wall_seconds == pytest.approx(row.busy_seconds) for row in table.rows)
