"""What a run would have taken without some of its spans."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc_ci.perf.analysis.what_if import PathPlace, seconds_without
from cc_ci.timing.spans import Span


def span(number: int, name: str, start: float, end: float, parent: int | None = None) -> Span:
    return Span(
        id=number,
        name=name,
        action=name,
        start=start,
        end=end,
        parent=parent,
        phase="converge",
        stage="install",
    )


def named(*names: str) -> object:
    return lambda place: place.action in names


SEQUENCE = (span(1, "a", 0, 10), span(2, "b", 11, 20), span(3, "c", 20, 25))
# the database is up after 8 s beside the app's 30, and the log-in follows both
PARALLEL = (
    span(1, "deploy", 0, 30),
    span(2, "app", 0, 30, 1),
    span(3, "db", 0, 8, 1),
    span(4, "log in", 30, 33),
)


def test_nothing_gone_is_the_run_as_it_was() -> None:
    assert seconds_without(SEQUENCE, total=26, gone=named()) == pytest.approx(26)
    assert seconds_without(PARALLEL, total=33, gone=named()) == pytest.approx(33)


def test_what_followed_moves_up_and_keeps_its_distance() -> None:
    assert seconds_without(SEQUENCE, total=26, gone=named("b")) == pytest.approx(26 - 9)
    assert seconds_without(SEQUENCE, total=26, gone=named("a", "c")) == pytest.approx(26 - 15)


def test_a_chain_beside_comes_to_the_fore() -> None:
    assert seconds_without(PARALLEL, total=33, gone=named("app")) == pytest.approx(8 + 3)
    assert seconds_without(PARALLEL, total=33, gone=named("db")) == pytest.approx(33)
    assert seconds_without(PARALLEL, total=33, gone=named("app", "db")) == pytest.approx(3)


def test_only_a_spans_own_time_goes() -> None:
    spans = (span(1, "converge", 0, 20), span(2, "boot", 5, 15, 1))
    assert seconds_without(spans, total=20, gone=named("converge")) == pytest.approx(10)


def test_places_are_told_by_the_phase_that_is_inherited() -> None:
    seen: list[PathPlace] = []
    bare = Span(id=2, name="look", action="look", start=1, end=2, parent=1)
    seconds_without((span(1, "a", 0, 3), bare), total=3, gone=lambda place: bool(seen.append(place)))
    assert {(place.action, place.phase) for place in seen} == {("a", "converge"), ("look", "converge")}


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), max_size=8), st.sets(st.integers(0, 7)))
def test_less_is_never_longer(shape: list[tuple[int, int]], chosen: set[int]) -> None:
    spans = [span(at + 1, str(at), start, start + long) for at, (start, long) in enumerate(shape)]
    left = seconds_without(spans, total=80, gone=lambda place: int(place.action or 0) in chosen)
    assert 0 <= left <= 80
    assert seconds_without(spans, total=80, gone=named()) == pytest.approx(80)
