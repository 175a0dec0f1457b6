"""What a run waited for, by cause."""

import msgspec
from example_result import example

from cc_ci.report.html.run_page import run_page
from cc_ci.report.waiting import wait_causes
from cc_ci.results.schema import RunResult
from cc_ci.timing.actions import CONVERGE, FIRST_LOOK, HOLD
from cc_ci.timing.critical_path import attribute
from cc_ci.timing.spans import Span


def waited(*looks: float, interval: float | None = 30.0) -> RunResult:
    """A run of one look after another, each within a wait of its own, and one hold of 5 s at the end."""
    spans: list[Span] = []
    at = 0.0
    attributes: dict[str, str | float] = {"service": "app", "waits_for": "the health check of app to say yes"}
    if interval is not None:
        attributes |= {"interval_seconds": interval, "place": "compose.yml:36"}
    for took in looks:
        outer = len(spans) + 1
        wait = Span(id=outer, name="converge", kind="wait", action=CONVERGE, start=at, phase="converge")
        look = Span(id=outer + 1, name="look", kind="wait", action=FIRST_LOOK, start=at, phase="converge")
        spans += [
            msgspec.structs.replace(wait, end=at + took + 1),
            msgspec.structs.replace(look, end=at + took, parent=outer, attributes=attributes),
        ]
        at += took + 1
    hold = Span(
        id=len(spans) + 1, name="hold", kind="wait", action=HOLD, start=at, end=at + 5, phase="converge"
    )
    found = (*spans, hold)
    return msgspec.structs.replace(
        example(), spans=found, phases=attribute(found, end=at + 5), total_seconds=at + 5
    )


def test_waits_of_one_cause_are_one_line_with_what_a_recipe_can_do() -> None:
    first, second = wait_causes(waited(30.1, 30.0, 30.2))
    assert str(first) == (
        "health check's first look, app: 3 x 30.1 s = 90 s; interval 30s, compose.yml:36; "
        "with start_period and start_interval 1s about 87 s less"
    )
    assert str(second) == "time of stability: 5 s"


def test_a_wait_within_another_is_counted_once() -> None:
    result = waited(30.0, 30.0)
    total = sum(one.seconds for one in wait_causes(result))
    assert total == 65.0
    assert total <= result.total_seconds


def test_what_saves_little_or_is_not_known_is_no_advice() -> None:
    assert wait_causes(waited(2.0))[1].saved is None
    (first, _) = wait_causes(waited(30.0, interval=None))
    assert (first.interval, first.saved) == (None, None)


def test_the_page_has_the_same_lines() -> None:
    result = waited(30.1, 30.0, 30.2)
    page = run_page(result).replace("&#x27;", "'")
    assert all(str(cause) in page for cause in wait_causes(result))
