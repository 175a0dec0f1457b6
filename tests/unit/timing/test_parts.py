"""What a run's critical path sums up to."""

import pytest

from cc_ci.timing.critical_path import attribute
from cc_ci.timing.parts import OTHERS, Use, parts_of
from cc_ci.timing.resources import Pressure, SpanResources, Usage
from cc_ci.timing.spans import Span

SPANS = (
    Span(id=1, name="converge", start=0.0, end=40.0, phase="converge", stage="install"),
    Span(
        id=2,
        name="boot",
        start=0.0,
        end=30.0,
        parent=1,
        phase="converge",
        stage="install",
        attributes={"waits_for": "app"},
    ),
    Span(id=3, name="hold", start=39.9, end=40.0, parent=1, phase="converge", stage="install"),
    Span(
        id=4,
        name="boot",
        start=50.0,
        end=80.0,
        phase="converge",
        stage="install",
        attributes={"waits_for": "app"},
    ),
    Span(id=5, name="log in", start=80.0, end=81.0, phase="test", stage="functional"),
)
TABLE = attribute(SPANS, end=81.0)


def used(span: int | None, cpu: float) -> SpanResources:
    return SpanResources(
        span=span,
        stack=Usage(cpu_seconds=cpu),
        engine=Usage(cpu_seconds=1.0),
        pressure=Pressure(cpu_some_seconds=2.0, io_some_seconds=0.5, memory_some_seconds=0.0),
    )


def test_parts_add_up_to_the_run() -> None:
    found = parts_of(TABLE, SPANS)
    assert sum(part.seconds for part in found) == pytest.approx(81.0)
    boot = found[0]
    assert (boot.name, boot.waits_for, boot.seconds, boot.times) == ("boot", "app", 60.0, 2)
    # between 40 and 50 nothing was open
    assert [part.seconds for part in found if part.phase is None] == [10.0]


def test_short_parts_are_one_per_stage_and_phase() -> None:
    found = parts_of(TABLE, SPANS, smallest=2.0)
    others = [part for part in found if part.name == OTHERS]
    assert [(part.stage, part.phase, part.seconds) for part in others] == [
        ("functional", "test", pytest.approx(1.0)),
        ("install", "converge", pytest.approx(0.1)),
    ]
    assert sum(part.seconds for part in found) == pytest.approx(81.0)


def test_use_is_the_share_of_a_spans_own() -> None:
    found = parts_of(TABLE, SPANS, [used(None, 99), used(1, 8), used(2, 5), used(4, 7)])
    boot, converge = found[0], next(part for part in found if part.name == "converge")
    assert boot.use == Use(cpu=14.0, cpu_pressure=4.0, io_pressure=1.0)
    # 9.9 of its 40 seconds were its own
    assert converge.use is not None
    assert converge.use.cpu == pytest.approx(9 * 9.9 / 40)


def test_a_part_without_all_measurements_has_none() -> None:
    found = parts_of(TABLE, SPANS, [used(2, 5)])
    assert found[0].use is None
