"""Whatever a suite's files and reports hold, they are read, or refused in one line, at once."""

import json
import tempfile
from pathlib import Path

from hostile import SMALL, at_once, survives, texts
from hypothesis import given
from hypothesis import strategies as st

from cc_ci.errors import InfrastructureError, UsageError
from cc_ci.probes.answers import Answer
from cc_ci.probes.life import lifeless
from cc_ci.suite.facts import read_suite
from cc_ci.suite.judging import Session, judged

OWN = sorted((Path(__file__).parents[3] / "suites").glob("*/suite.toml"))
HEADERS = st.dictionaries(st.sampled_from(["content-type", "location", "server"]), texts)
numbers = st.one_of(st.floats(), st.integers(), st.just(1e300), st.just(-1.0))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=10,
)
FIELDS = ("line", "id", "outcome", "start", "seconds", "assertions", "message", "browser", "tests", "more")
KINDS = ("finished", "started", "broken", "collected", "over")
lines = st.one_of(
    texts,
    st.dictionaries(st.sampled_from(FIELDS), values, max_size=8).map(json.dumps),
    st.builds(
        lambda kind, rest: json.dumps({**rest, "line": kind}),
        st.sampled_from(KINDS),
        st.fixed_dictionaries(
            {
                "id": st.one_of(st.just("test_a.py::test"), texts),
                "outcome": st.sampled_from(["passed", "failed", "errored", "skipped", "x"]),
                "start": numbers,
                "seconds": numbers,
                "tests": st.integers(-1, 3),
                "message": st.one_of(st.none(), texts),
            }
        ),
    ),
)


@SMALL
@given(st.lists(lines, max_size=8), st.sampled_from([0, 1, 2]))
def test_reports(said: list[str], exit_code: int) -> None:
    with tempfile.TemporaryDirectory() as folder, at_once():
        root = Path(folder)
        (root / "suite.toml").write_text('recipe = "x"\n')
        (root / "test_a.py").touch()
        report = root / "report.jsonl"
        report.write_text("\n".join(said) + "\n", encoding="utf-8", errors="replace")
        seen = judged(
            read_suite(root),
            Session(exit_code=exit_code),
            report=report,
            part="app",
            began=10.0,
            ended=20.0,
            redact=str,
            warnings=(),
        )
    for test in seen.tests:
        assert 10.0 <= test.start <= test.start + test.seconds <= 20.0
        assert test.id.isprintable()
    if seen.outcome == "passed":
        assert '"over"' in "".join(said)


@SMALL
@given(st.one_of(texts, st.sampled_from(OWN).map(Path.read_text)), texts, st.floats(0, 1))
def test_facts(text: str, piece: str, where: float) -> None:
    at = int(where * len(text))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "seed.py").touch()
        written = text[:at] + piece + text[at:]
        (root / "suite.toml").write_text(written, encoding="utf-8", errors="replace")
        survives(lambda: read_suite(root), InfrastructureError, UsageError)


@SMALL
@given(st.integers(100, 999), texts, HEADERS)
def test_pages(status: int, body: str, headers: dict[str, str]) -> None:
    with at_once():
        unmet = lifeless(Answer(url="https://x.test/", status=status, body=body, headers=headers))
    assert unmet is None or len(unmet) < 1000
