"""Reports that a suite wrote or had written for it: none that is broken, partial or odd is green."""

import json
from pathlib import Path

import pytest

from cc_ci.suite.facts import Suite, read_suite
from cc_ci.suite.judging import Session, judged
from cc_ci.suite.protocol import SuitePart
from cc_ci.suite.report import MOST_LINES, NAME_LIMIT, TestReport, read_lines
from cc_ci.system.reading import Unreadable

BEGAN, ENDED = 100.0, 110.0
ENDED_WELL = Session()


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "suite.toml").write_text('recipe = "notes"\n')
    for name in ("test_notes.py", "test_sso_login.py", "cases.yaml"):
        (folder / name).touch()
    return read_suite(folder)


def finished(name: str = "test_notes.py::test_a", **said: object) -> dict[str, object]:
    usual = {"outcome": "passed", "start": 101.0, "seconds": 1.0, "assertions": 1}
    return {"line": "finished", "id": name, **usual, **said}


def collected(tests: int = 1) -> dict[str, object]:
    return {"line": "collected", "tests": tests}


OVER: dict[str, object] = {"line": "over"}


def report(
    suite: Suite, *lines: dict[str, object] | str, session: Session = ENDED_WELL, part: SuitePart = "app"
) -> TestReport:
    path = suite.folder.parent / "report.jsonl"
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return judged(
        suite,
        session,
        report=path,
        part=part,
        began=BEGAN,
        ended=ENDED,
        redact=lambda text: text.replace("hunter2", "[redacted]"),
        warnings=(),
    )


def test_a_whole_report_is_what_it_says(suite: Suite) -> None:
    seen = report(suite, collected(2), finished(), finished("cases.yaml::one"), OVER)
    assert (seen.outcome, seen.assertions, seen.problems) == ("passed", 2, ())
    red = report(
        suite,
        collected(),
        finished(outcome="failed", message="no: hunter2"),
        OVER,
        session=Session(exit_code=1),
    )
    assert (red.outcome, red.message) == ("failed", "test_notes.py::test_a: no: [redacted]")


@pytest.mark.parametrize(
    ("lines", "exit_code", "said"),
    [
        pytest.param(
            [collected(3), finished()],
            0,
            "it went away before its tests were done",
            marks=pytest.mark.attack(
                what="a suite's first test ends its process with exit code 0",
                before="green, with the tests that had run until then",
                now="errored: a report has to say what is to run, and that all of it is over",
                layer="input",
            ),
        ),
        pytest.param(
            [collected(3), finished(), OVER],
            0,
            "1 of 3 tests were run",
            marks=pytest.mark.attack(
                what="a test calls pytest.exit with code 0, so that the later ones never run",
                before="green, with the tests that had run until then",
                now="errored: 1 of 3 tests were run",
                layer="input",
            ),
        ),
        pytest.param(
            [collected(1), finished("test_sso_login.py::test_b"), OVER],
            0,
            "test_sso_login.py::test_b, which is in none of its files for this stage",
            marks=pytest.mark.attack(
                what="a report of one stage has tests of another",
                before="counted as run",
                now="errored, and the test is named",
                layer="input",
            ),
        ),
        pytest.param(
            [collected(1), finished("other.py::test_c"), OVER],
            0,
            "other.py::test_c, which is in none of its files",
            marks=pytest.mark.attack(
                what="a report has tests that are in no file of the suite",
                before="counted as run",
                now="errored, and the test is named",
                layer="input",
            ),
        ),
        pytest.param(
            [collected(1), finished(outcome="failed"), finished(), OVER],
            1,
            "has test_notes.py::test_a 2 times",
            marks=pytest.mark.attack(
                what="a report has a test twice: failed, and then passed",
                before="green: the later line took the place of the earlier one",
                now="errored, and the first counts",
                layer="input",
            ),
        ),
        pytest.param(
            [collected(1), finished(start=-1e12, seconds=1e5), OVER],
            0,
            "at a time at which it was not run",
            marks=pytest.mark.attack(
                what="a test says that it ran ten thousand years ago",
                before="its span began there, and no second of the run had its name any more",
                now="errored; its span lies within the suite's",
                layer="input",
            ),
        ),
        pytest.param(
            [collected(1), finished(), OVER], 1, "pytest says that tests failed, and its report has none"
        ),
        pytest.param([finished(), OVER], 0, "1 of 0 tests were run"),
    ],
)
def test_an_odd_report_is_errored(
    suite: Suite, lines: list[dict[str, object]], exit_code: int, said: str
) -> None:
    seen = report(suite, *lines, session=Session(exit_code=exit_code))
    assert seen.outcome == "errored"
    assert any(said in problem for problem in seen.problems), seen.problems
    assert all(BEGAN <= test.start <= test.start + test.seconds <= ENDED for test in seen.tests)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param(
            "[" * 100_000,
            "line 1: ",
            marks=pytest.mark.attack(
                what="a line of a report nests 100,000 lists",
                before="RecursionError in the middle of a run, told as an internal error",
                now="errored: no report to read, with the line",
                layer="input",
            ),
        ),
        pytest.param(
            json.dumps(finished(seconds=-5)),
            "line 1: Expected `float` >= 0.0 - at `$.seconds`",
            marks=pytest.mark.attack(
                what="a test took less than no time",
                before="a negative time in the results",
                now="errored: no report to read, with the line",
                layer="input",
            ),
        ),
        pytest.param(
            json.dumps(finished()).replace("1.0", "1e999"),
            "line 1: ",
            marks=pytest.mark.attack(
                what="a test took for ever: 1e999 s",
                before="refused, too; kept as a test",
                now="errored: no report to read, with the line",
                layer="input",
            ),
        ),
        pytest.param(json.dumps(finished(seconds=float("nan"))), "line 1: JSON is malformed"),
        pytest.param(json.dumps(finished(assertions=10**30)), "line 1: "),
        pytest.param(json.dumps(finished(outcome="splendid")), "line 1: Invalid enum value 'splendid'"),
        pytest.param(json.dumps({"line": "finished"}), "line 1: Object missing required field `id`"),
        pytest.param('"\\ud800"', "line 1: "),
        pytest.param("nonsense", "line 1: JSON is malformed"),
    ],
)
def test_what_is_no_report_is_errored(suite: Suite, line: str, said: str) -> None:
    seen = report(suite, line)
    assert seen.outcome == "errored"
    assert seen.message is not None
    assert seen.message.startswith(f"suite notes: no report to read: {said}")
    assert seen.message.isprintable()


@pytest.mark.attack(
    what="A test's id is a megabyte long, clears the terminal and ends the line.",
    before="It was written unchanged into results.json, JUnit and the terminal.",
    now="It becomes one line of 300 characters, with special characters escaped.",
    layer="input",
)
def test_an_id_is_one_line(suite: Suite) -> None:
    name = "test_notes.py::test_\x1b[2J\n\u202e hunter2 " + "x" * 1_000_000
    seen = report(suite, collected(), finished(name, browser="\x1b]0;x\x07" * 1000), OVER)
    assert seen.tests[0].id.startswith("test_notes.py::test_\\x1b[2J\\n\\u202e [redacted] xxx")
    assert len(seen.tests[0].id) < NAME_LIMIT + 30
    assert seen.tests[0].id.isprintable()
    assert (seen.tests[0].browser or "").isprintable()


@pytest.mark.attack(
    what="A suite's report has endlessly many lines.",
    before="It was read in full and written into the results.",
    now="The stage is errored: there is no report to read.",
    layer="input",
)
def test_a_report_has_an_end(suite: Suite, tmp_path: Path) -> None:
    many = (f"{json.dumps(finished(f'test_notes.py::test_{n}'))}\n" for n in range(MOST_LINES + 1))
    path = tmp_path / "report.jsonl"
    path.write_text("".join(many))
    with pytest.raises(Unreadable, match=f"more than {MOST_LINES} lines"):
        read_lines(path)
    seen = report(suite, *(finished(f"other.py::test_{n}") for n in range(50)), OVER)
    assert len(seen.problems) == 6
    assert seen.problems[-1].endswith("more like these")


def test_a_report_that_is_not_there_is_no_green_one(suite: Suite, tmp_path: Path) -> None:
    seen = judged(
        suite,
        Session(),
        report=tmp_path / "none.jsonl",
        part="app",
        began=BEGAN,
        ended=ENDED,
        redact=str,
        warnings=("isolated",),
    )
    assert (seen.outcome, seen.message) == ("errored", "suite notes: no report to read: it is not there")
    assert seen.warnings == ("isolated",)


def test_of_a_suite_that_was_ended_the_test_that_ran_is_told(suite: Suite) -> None:
    begun = {"line": "started", "id": "test_notes.py::test_b", "start": 103.0}
    seen = report(suite, collected(3), finished(), begun, session=Session(problem="not done after 10 s"))
    assert seen.problems == ("suite notes: not done after 10 s",)
    assert (seen.tests[1].outcome, seen.tests[1].message) == (
        "errored",
        "still running after 7.0 s, when the suite was ended",
    )
    half = report(suite, collected(), json.dumps(finished())[:20])
    assert half.message is not None
    assert "no report to read: line 2" in half.message


def test_a_part_has_its_own_files(suite: Suite) -> None:
    assert report(suite, collected(), finished("test_sso_login.py::test"), OVER, part="sso").problems == ()
    assert report(suite, collected(), finished(), OVER, part="sso").outcome == "errored"
