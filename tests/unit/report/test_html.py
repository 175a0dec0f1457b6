"""Pages of runs and sets: whole, safe with hostile text, and right where parts are missing."""

import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from example_result import SPANS, example

from cc_ci.report.html.charts import bar_chart, dot_chart
from cc_ci.report.html.run_page import run_page
from cc_ci.report.html.set_page import Bound, set_page
from cc_ci.report.html.timeline import bars
from cc_ci.results.measured import Cell, Measured, compact, parts
from cc_ci.results.schema import RunResult, StageResult, TestResult
from cc_ci.timing.critical_path import attribute
from cc_ci.timing.trace import Span

HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>'


class Tags(HTMLParser):
    """Which elements a page has, and with which attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def hostile() -> RunResult:
    spans = (msgspec.structs.replace(SPANS[0], name=HOSTILE, error=HOSTILE, status="failed"), *SPANS[1:])
    test = TestResult(name=HOSTILE, outcome="failed", reason=HOSTILE)
    stage = StageResult(name="install", outcome="failed", reason=HOSTILE, tests=(test,), evidence=(HOSTILE,))
    return msgspec.structs.replace(
        example(), spans=spans, stages=(stage,), because=(HOSTILE,), phases=attribute(spans, end=10.0),
        total_seconds=10.0, verdict="failed",
    )  # fmt: skip


def test_text_of_recipes_and_apps_is_never_markup() -> None:
    tags = Tags(run_page(hostile(), evidence=Path("evidence")))
    assert len(tags.all("script")) == 1
    assert tags.all("img") == []
    assert not [name for _, attributes in tags.found for name in attributes if name.startswith("on")]


def test_the_page_asks_for_nothing_and_allows_only_its_own_script() -> None:
    page = run_page(example())
    (policy,) = [meta["content"] for meta in Tags(page).all("meta") if "http-equiv" in meta]
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert not re.search(r"(?:src|href)=\"(?!#)", page)
    assert "@import" not in page


def test_every_span_has_a_bar_with_its_details() -> None:
    page = run_page(msgspec.structs.replace(example(), total_seconds=10.0))
    tips = [attributes["data-tip"] for attributes in Tags(page).all("g") if "data-tip" in attributes]
    for span in SPANS:
        assert any(tip and tip.startswith(f"{span.name}\n") for tip in tips)
    assert any(tip and "waits for app healthy" in tip for tip in tips)
    assert any(tip and tip.startswith("critical path: ") for tip in tips)


def test_spans_side_by_side_have_lanes_of_their_own() -> None:
    spans = (
        Span(id=1, name="deploy", start=0, end=10, phase="deploy"),
        Span(id=2, name="app", start=0, end=10, parent=1, phase="converge"),
        Span(id=3, name="boot", start=2, end=9, parent=2, phase="converge"),
        Span(id=4, name="db", start=1, end=5, parent=1, phase="converge"),
        Span(id=5, name="test", start=10, end=12, phase="test"),
    )
    lanes = {bar.span.name: bar.lane for bar in bars(spans, end=12)}
    assert lanes["deploy"] == lanes["test"] == 0
    assert lanes["app"] == 1
    assert lanes["boot"] == 2
    assert lanes["db"] > lanes["boot"]


def test_a_result_that_kept_no_spans_says_so() -> None:
    page = run_page(msgspec.structs.replace(example(), spans=()))
    assert "The spans of this run were not kept." in page
    assert "data-zoom=" not in page


def measured(place: int, cache: str, seconds: float) -> Measured:
    result = msgspec.structs.replace(example(), exit_code=0, total_seconds=seconds)
    return Measured(
        cell=Cell(recipe="app", cache=cache), place=place, result=compact(result), parts=parts(result)
    )


def test_every_value_of_a_set_is_a_dot() -> None:
    runs = [measured(1, "cold", 90.0), measured(2, "warm", 60.0), measured(3, "warm", 61.5)]
    page = set_page("a set", runs)
    tips = [attributes.get("data-tip") for attributes in Tags(page).all("circle")]
    assert {"app, cold: 90.0 s", "app, warm: 60.0 s", "app, warm: 61.5 s"} <= set(tips)
    assert "Not measured: `cc-ci limit RECIPE` does." in page


def test_the_limit_stands_beside_the_runs() -> None:
    bound = Bound(cell="app warm", seconds=60.0, limit=12.0, rho="5.0")
    page = set_page("a set", [measured(1, "warm", 60.0)], bounds=[bound])
    assert "<td>app warm</td>" in page
    assert ">5.0</td>" in page


@pytest.mark.parametrize("chart", [bar_chart([], label="x"), dot_chart({}, label="x")])
def test_a_chart_of_nothing_is_a_drawing(chart: str) -> None:
    assert Tags(chart).all("svg")
