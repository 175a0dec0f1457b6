"""A run's critical path, as it is told in the terminal."""

import io

import msgspec
import pytest
from example_result import example

from cc_ci.errors import UsageError
from cc_ci.report.blame import blame, chain, links
from cc_ci.report.tables import console
from cc_ci.results.schema import RunResult
from cc_ci.timing.critical_path import attribute
from cc_ci.timing.spans import Span

SPANS = (
    Span(id=1, name="install: deploy", start=0.0, end=40.0, stage="install", phase="deploy"),
    Span(
        id=2, name="app: boot", start=1.0, end=30.0, parent=1, stage="install", phase="converge",
        attributes={"waits_for": "app"},
    ),
    Span(id=3, name="one", start=40.0, end=40.2, stage="install", phase="verify"),
    Span(id=4, name="two", start=40.2, end=40.5, stage="install", phase="verify"),
    Span(id=5, name="tiny", start=40.5, end=40.51, stage="teardown", phase="teardown"),
    Span(id=6, name="app: boot", start=41.0, end=61.0, stage="backup", phase="converge",
         attributes={"waits_for": "app"}),
)  # fmt: skip


def run() -> RunResult:
    return msgspec.structs.replace(
        example(), spans=SPANS, resources=(), total_seconds=61.0, phases=attribute(SPANS, end=61.0)
    )


def said(group: object) -> str:
    stream = io.StringIO()
    console(stream).print(group)
    return stream.getvalue()


def test_the_longest_come_first_with_what_they_waited_for() -> None:
    lines = said(blame(run(), longest=2)).splitlines()
    assert lines[1].split()[:3] == ["29.0", "47.5%", "install"]
    assert lines[1].rstrip().endswith("app")
    assert lines[2].split()[:3] == ["20.0", "32.8%", "backup"]
    assert lines[3].startswith("5 more: ")


def test_the_chain_is_in_order_and_adds_up() -> None:
    found = links(run())
    assert sum(link.seconds for link in found) == pytest.approx(61.0)
    assert [link.at for link in found] == sorted(link.at for link in found)
    text = said(chain(run()))
    assert "    app: boot @1.0s +29.0s  <- app" in text
    assert "2 short spans @40.0s +0.5s" in text
    assert "tiny" not in text
    assert [line for line in text.splitlines() if not line.startswith(" ")] == ["install", "run", "backup"]


def test_names_with_brackets_are_told_as_they_are() -> None:
    spans = (Span(id=1, name="test test_x.py::test_page[/login]", start=0.0, end=9.0, phase="test"),)
    result = msgspec.structs.replace(run(), spans=spans, phases=attribute(spans, end=9.0), total_seconds=9.0)
    assert "test_page[/login]" in said(blame(result))
    assert "test_page[/login]" in said(chain(result))


def test_every_link_is_told_when_asked_for() -> None:
    text = said(chain(run(), shortest=0.0))
    assert "one @40.0s +0.2s" in text
    assert "tiny @40.5s +0.0s" in text


def test_results_without_a_path_say_so() -> None:
    slim = msgspec.structs.replace(run(), phases=None)
    with pytest.raises(UsageError, match="hold no critical path"):
        blame(slim)
