import io
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc_ci.levers.arms import choose
from cc_ci.report.files import write_files
from cc_ci.report.junit import junit
from cc_ci.report.perfetto import lanes, perfetto
from cc_ci.report.tables import console, phases_table, summary
from cc_ci.results.schema import RunResult
from cc_ci.results.store import RunFolder, load
from cc_ci.timing.spans import Span

RESULT = load(Path(__file__).parents[1] / "results/old/version-1.json")


@pytest.fixture
def document() -> ET.Element:
    return ET.fromstring(junit(RESULT))  # noqa: S314 - our own


def case(document: ET.Element, name: str) -> ET.Element:
    found = document.find(f".//testcase[@name='{name}']")
    assert found is not None
    return found


def test_stages_are_suites_and_tests_are_cases(document: ET.Element) -> None:
    suites = [suite.get("name") for suite in document.findall("testsuite")]
    assert suites == ["install", "functional", "sso", "backup", "upgrade", "leak check"]
    assert case(document, "test_login").get("classname") == "custom-html.functional"
    assert case(document, "test_login").get("time") == "1.25"


@pytest.mark.parametrize(
    ("name", "mark", "message"),
    [
        ("test_login", "failure", "refused"),
        ("sso", "skipped", "no suite"),
        ("backup", "error", "restic is missing"),
        ("upgrade", "error", "1.0.0 does not deploy"),
        ("nothing left", "failure", "volume cust_content left"),
    ],
)
def test_what_is_not_green_is_marked(document: ET.Element, name: str, mark: str, message: str) -> None:
    (child,) = case(document, name)
    assert (child.tag, child.get("message")) == (mark, message)


def test_counts_and_seconds_add_up(document: ET.Element) -> None:
    functional = document.find("testsuite[@name='functional']")
    assert functional is not None
    assert (document.get("tests"), document.get("failures")) == ("8", "3")
    assert (document.get("errors"), document.get("skipped")) == ("2", "1")
    assert sum(float(c.get("time", "0")) for c in functional) == pytest.approx(1.5)


def test_no_leak_check_means_no_case_for_it() -> None:
    partial = msgspec.structs.replace(RESULT, census=type(RESULT.census)())
    assert b"leak check" not in junit(partial)


@pytest.fixture
def events() -> list[dict[str, object]]:
    events: list[dict[str, object]] = json.loads(perfetto(RESULT))["traceEvents"]
    return events


def test_there_is_a_track_per_deployment_and_one_of_the_path(events: list[dict[str, object]]) -> None:
    names = [e["args"]["name"] for e in events if e["name"] == "thread_name"]  # type: ignore[index]
    assert names == ["critical path", "new", "run", "old"]


def test_spans_have_their_phase_as_category_and_microseconds(events: list[dict[str, object]]) -> None:
    (login,) = [e for e in events if e["name"] == "login"]
    assert (login["ph"], login["cat"], login["ts"], login["dur"]) == ("X", "test", 8_500_000, 1_500_000)
    assert login["args"] == {"status": "failed", "error": "refused"}


def test_the_path_covers_the_run(events: list[dict[str, object]]) -> None:
    path = [e for e in events if e["tid"] == 1 and e["ph"] == "X"]
    assert sum(int(str(e["dur"])) for e in path) == 10_000_000
    assert [e["name"] for e in path] == [
        "images_pull",
        "converge",
        "converge",
        "unattributed",
        "overhead",
        "test",
    ]


def test_samples_are_counters(events: list[dict[str, object]]) -> None:
    counters = [(e["name"], e["ts"], e["args"]) for e in events if e["ph"] == "C"]
    assert counters == [
        ("memory, MiB", 0, {"stack": 1.0}),
        ("memory, MiB", 2_000_000, {"stack": 3.0}),
        ("CPUs used", 0, {"stack": 0.5}),
    ]


borders = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)).map(sorted), max_size=15)


@given(borders=borders)
def test_in_a_lane_spans_nest(borders: list[list[int]]) -> None:
    spans = [Span(id=n, name="s", start=start, end=end) for n, (start, end) in enumerate(borders)]
    spread = lanes(spans, end=20)
    assert sorted(span.id for lane in spread for span in lane) == list(range(len(spans)))
    for lane in spread:
        for first in lane:
            for second in lane:
                crosses = first.start < second.start < (first.end or 0) < (second.end or 0)
                assert not crosses


def printed(result: RunResult = RESULT, *, longest: int | None = 5) -> str:
    stream = io.StringIO()
    console(stream).print(summary(result, RunFolder(path=Path("/runs/cust-0a1b2c")), longest=longest))
    return stream.getvalue()


def rows(text: str) -> dict[str, list[str]]:
    # the first of a name: the tables come before the verdict's reasons
    return {words[0]: words[1:] for line in reversed(text.splitlines()) if (words := line.split())}


def test_a_run_is_told_in_plain_lines() -> None:
    text = printed()
    assert "\x1b" not in text
    assert "\nfunctional failed" in text.partition("stage")[0]
    assert text.count("login refused") == 1
    table = text.partition("outcome")[2]
    assert rows(table)["functional"] == ["failed", "1.5", "1/2"]
    assert rows(text)["converge"] == ["4.90", "49.0%", "4.90"]
    assert rows(text)["plan"] == ["0.50"]
    assert rows(text)["unattributed"] == ["0.10", "1.0%"]
    assert rows(text)["total"] == ["10.00", "100.0%", "9.90"]
    assert "app healthy (new)" in text
    assert "poll_slack: converge" in text
    assert "contaminated: custom-html 1.0.0+1.25 to 1.1.0+1.27, 10.0 s, profile stock" in text
    assert text.endswith("results: /runs/cust-0a1b2c/results.json\nevidence: /runs/cust-0a1b2c/evidence\n")


def test_what_is_kept_as_it_is_is_told_where_the_evidence_is() -> None:
    first, *others = RESULT.stages
    pictured = msgspec.structs.replace(first, unredacted=("evidence/Y/suite/a.png", "evidence/Y/b.zip"))
    result = msgspec.structs.replace(RESULT, stages=(pictured, *others))
    assert "\nnot redacted: 2 of its files, pictures and archives: see" in printed(result)


def test_phases_beyond_the_longest_are_one_row_and_the_total_stays() -> None:
    text = printed(longest=1)
    assert "images_pull" not in text
    assert rows(text)["3"] == ["others", "5.00", "50.0%", "5.00"]
    assert rows(text)["total"][0] == "10.00"


def test_partial_results_can_be_told() -> None:
    partial = RunResult(
        run="r", cc_ci_version="0", started_at=0.0, recipe=RESULT.recipe, arm=choose().arm, total_seconds=2.0
    )
    assert "running: custom-html" in printed(partial)


def test_a_terminal_gets_colours_unless_told_not_to(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def shown() -> str:
        stream = Terminal()
        assert RESULT.phases is not None
        console(stream).print(phases_table(RESULT.phases))
        return stream.getvalue()

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = shown()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" in coloured
    assert "\x1b[3" not in shown()


def test_the_files_of_other_tools_are_written(tmp_path: Path) -> None:
    write_files(RESULT, RunFolder(path=tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {"junit.xml", "trace.json"}
