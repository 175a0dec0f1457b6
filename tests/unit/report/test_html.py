"""Pages of runs and sets: whole, safe with hostile text, and right where parts are missing."""

import os
import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from example_result import SPANS, example

from cc_ci.report.html.charts import distribution, pareto, rows_of
from cc_ci.report.html.evidence import evidence_of
from cc_ci.report.html.run_page import run_page
from cc_ci.report.html.set_page import MedianAndLimit, set_page
from cc_ci.report.html.timeline import lanes
from cc_ci.report.html.wording import duration
from cc_ci.results.measured import Cell, Measured, compact, parts
from cc_ci.results.schema import RunResult, StageResult, TestResult
from cc_ci.timing.critical_path import attribute
from cc_ci.timing.parts import Part
from cc_ci.timing.spans import Span

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
    test = TestResult(id=HOSTILE, outcome="failed", reason=HOSTILE)
    stage = StageResult(name="install", outcome="failed", reason=HOSTILE, tests=(test,), evidence=(HOSTILE,))
    return msgspec.structs.replace(
        example(), spans=spans, stages=(stage,), because=(HOSTILE,), phases=attribute(spans, end=10.0),
        total_seconds=10.0, verdict="failed",
    )  # fmt: skip


def test_text_of_recipes_and_apps_is_never_markup() -> None:
    tags = Tags(run_page(hostile()))
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
    assert "url(" not in page
    assert "@import" not in page


def test_every_span_has_a_bar_with_its_details() -> None:
    page = run_page(msgspec.structs.replace(example(), total_seconds=10.0))
    tips = [attributes["data-tip"] for attributes in Tags(page).all("g") if "data-tip" in attributes]
    for span in SPANS:
        assert any(tip and tip.startswith(f"{span.name}\n") for tip in tips)
    assert any(tip and "waits for app healthy" in tip for tip in tips)
    assert any(tip and "\non the critical path: " in tip for tip in tips)


def test_spans_side_by_side_have_lanes_of_their_own() -> None:
    spans = (
        Span(id=1, name="deploy", start=0, end=10, phase="deploy"),
        Span(id=2, name="app", start=0, end=10, parent=1, phase="converge"),
        Span(id=3, name="boot", start=2, end=9, parent=2, phase="converge"),
        Span(id=4, name="db", start=1, end=5, parent=1, phase="converge"),
        Span(id=5, name="test", start=10, end=12, phase="test"),
    )
    found = {one.span.name: one.lane for one in lanes(spans, (), total=12)}
    assert found["deploy"] == found["test"] == 0
    assert found["app"] == 1
    assert found["db"] == 2
    assert found["boot"] == 3


def test_a_span_that_never_ended_reaches_to_the_end() -> None:
    (placed,) = lanes((Span(id=1, name="hang", start=2, status="open"),), (), total=12)
    assert placed.end == 12


def test_spans_that_name_each_other_as_parents_are_drawn() -> None:
    spans = (Span(id=1, name="a", start=0, end=1, parent=2), Span(id=2, name="b", start=0, end=1, parent=1))
    assert len(lanes(spans, (), total=1)) == 2


def test_a_result_that_kept_no_spans_says_so() -> None:
    page = run_page(msgspec.structs.replace(example(), spans=()))
    assert "Not measured: this file keeps no spans." in page
    assert " data-zoom=" not in page


def measured(place: int, cache: str, seconds: float) -> Measured:
    result = msgspec.structs.replace(example(), exit_code=0, total_seconds=seconds)
    return Measured(
        cell=Cell(recipe="app", cache=cache), place=place, result=compact(result), parts=parts(result)
    )


def test_every_value_of_a_set_is_a_dot() -> None:
    runs = [measured(1, "cold", 90.0), measured(2, "warm", 60.0), measured(3, "warm", 61.5)]
    page = set_page("a set", runs)
    tips = [attributes.get("data-tip") or "" for attributes in Tags(page).all("tr")]
    assert "app warm: median 1 min 01 s\n60.0, 61.5" in tips
    assert "app cold: median 1 min 30 s\n90.0" in tips
    phases = {phase for run in runs for phase in (row.name for row in rows_of(run.parts))}
    assert len(Tags(page).all("circle")) == 3 + 3 * len(phases)
    assert "Not measured: cc-ci limit RECIPE measures it." in page


def test_void_runs_are_named_and_not_counted() -> None:
    void = msgspec.structs.replace(measured(2, "warm", 900.0), void="the canary was slow")
    page = set_page("a set", [measured(1, "warm", 60.0), void])
    assert "Not in the numbers: 1 void." in page
    assert "void: the canary was slow" in page
    assert "1 runs in 1 cells took 1 min 00 s" in page


def test_a_set_of_nothing_says_so() -> None:
    assert set_page("a set", []).count("Not measured") >= 3


def test_the_limit_stands_beside_the_runs() -> None:
    bound = MedianAndLimit(recipe="app", cache="warm", run=60.0, limit=12.0, rho="5.00 (4.80 to 5.20)")
    page = set_page("a set", [measured(1, "warm", 60.0)], bounds=[bound])
    assert "12.0</td>" in page
    assert "5.00 (4.80 to 5.20)</td>" in page


def test_what_holds_for_a_set_is_told() -> None:
    page = set_page("a set", [measured(1, "warm", 60.0)], conditions={"not measured: far": "no far:1"})
    assert "<dt>not measured: far</dt><dd>no far:1</dd>" in page


def test_every_test_has_a_row_and_red_ones_are_open() -> None:
    page = run_page(hostile())
    (listed,) = [one for one in Tags(page).all("details") if "open" in one]
    assert listed == {"open": ""}
    assert "tests of install (1)" in page
    green = run_page(
        msgspec.structs.replace(
            example(),
            stages=(
                StageResult(name="install", outcome="passed", tests=(TestResult(id="up", outcome="passed"),)),
            ),
        )
    )
    assert [one for one in Tags(green).all("details") if "open" in one] == []


def test_phases_are_made_of_stages_the_longest_first() -> None:
    parts_ = (
        Part(stage="install", phase="ready", seconds=1.0),
        Part(stage="install", phase="converge", seconds=3.0),
        Part(stage="upgrade", phase="converge", seconds=4.0),
        Part(seconds=0.5),
    )
    rows = rows_of(parts_)
    assert [(row.name, row.seconds) for row in rows] == [
        ("converge", 7.0),
        ("ready", 1.0),
        ("unattributed", 0.5),
    ]
    assert rows[0].stages == {"install": 3.0, "upgrade": 4.0}
    assert "82.4 %" in pareto(rows)


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.04, "0.0 s"), (59.96, "1 min 00 s"), (61.4, "1 min 01 s"), (3600, "60 min 00 s")]
)
def test_durations_are_said_in_minutes(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize("chart", [pareto(()), distribution({})])
def test_a_chart_of_nothing_is_an_empty_table(chart: str) -> None:
    assert Tags(chart).all("tbody")


def test_evidence_is_linked_where_it_is_and_never_outside_of_the_run(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder / "evidence" / "install").mkdir(parents=True)
    (folder / "evidence" / "install" / "javascript: a?.log").write_text("x")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("x")
    named = ("evidence/install", "../secret", "evidence/gone")
    stage = StageResult(name="install", outcome="passed", evidence=named)
    result = msgspec.structs.replace(example(), stages=(stage,))
    (one,) = evidence_of(result, folder, page=tmp_path / "pages" / "report.html")
    assert one.href == "./../run/evidence/install/javascript%3A%20a%3F.log"
    assert f'href="{one.href}"' in run_page(result, evidence=(one,))


def test_what_a_browser_would_run_is_downloaded(tmp_path: Path) -> None:
    place = tmp_path / "evidence" / "install"
    place.mkdir(parents=True)
    (place / "login.html").write_text("<script>1</script>")
    os.close(os.open(os.fsencode(place) + b"/\xff.svg", os.O_CREAT))
    stage = StageResult(name="install", outcome="passed", evidence=("evidence/install",))
    result = msgspec.structs.replace(example(), stages=(stage,))
    page = run_page(result, evidence=evidence_of(result, tmp_path, page=tmp_path / "report.html"))
    links = [link for link in Tags(page).all("a") if "evidence/install" in (link["href"] or "")]
    assert [(link["href"], link.get("download")) for link in links] == [
        ("./evidence/install/login.html", ""), ("./evidence/install/%FF.svg", "")
    ]  # fmt: skip
    page.encode()


def test_pictures_and_archives_are_marked_as_not_redacted(tmp_path: Path) -> None:
    place = tmp_path / "evidence" / "install"
    place.mkdir(parents=True)
    for name in ("a.png", "b.zip", "c.log"):
        (place / name).write_text("x")
    stage = StageResult(name="install", outcome="passed", evidence=("evidence/install",))
    result = msgspec.structs.replace(example(), stages=(stage,))
    page = run_page(result, evidence=evidence_of(result, tmp_path, page=tmp_path / "report.html"))
    assert page.count("</a> not redacted</li>") == 2
    assert ">c.log</a></li>" in page
