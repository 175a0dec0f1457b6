import os
import socket
from pathlib import Path

import pytest

from cc_ci.suite.inside.recording import ReportRecording
from cc_ci.suite.report import Broken, Collected, Over, ReportLine, Started, TestOutcome, read_lines
from cc_ci.system.reading import Unreadable

pytest_plugins = ["pytester"]

IMPORTS = """
import pytest
import httpx2
from cc_ci.suite.inside.app import SuiteProblem
"""


@pytest.fixture(autouse=True)
def _as_in_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


def lines(pytester: pytest.Pytester, tests: str) -> tuple[ReportLine, ...]:
    pytester.makepyfile(test_it=IMPORTS + tests)
    report = pytester.path / "report.jsonl"
    options = ("-o", "enable_assertion_pass_hook=true", "-o", "xfail_strict=true", "-p", "no:cacheprovider")
    pytester.inline_run(*options, plugins=[ReportRecording(path=report)])
    return read_lines(report)


def outcomes(pytester: pytest.Pytester, tests: str) -> dict[str, TestOutcome]:
    finished = [line for line in lines(pytester, tests) if isinstance(line, TestOutcome)]
    return {test.id.removeprefix("test_it.py::"): test for test in finished}


def test_assertions_that_run_and_hold_are_counted(pytester: pytest.Pytester) -> None:
    tests = outcomes(
        pytester,
        """
@pytest.fixture
def ready():
    assert True
    yield
    assert True

def test_three(ready):
    for _turn in range(3):
        assert 1 + 1 == 2
    if False:
        assert True

def test_one_of_two():
    assert 1
    assert 0

def test_none(): ...
""",
    )
    assert {name: test.assertions for name, test in tests.items()} == {
        "test_three": 5,
        "test_one_of_two": 1,
        "test_none": 0,
    }


BODIES = {
    "assert 1 == 2": ("failed", "assert 1 == 2"),
    "pytest.fail('no')": ("failed", "Failed: no"),
    "{}['x']": ("failed", "KeyError: 'x'"),
    "raise httpx2.ConnectError('refused')": ("failed", "httpx2.ConnectError: refused"),
    "raise SuiteProblem('broker: gone')": ("errored", "broker: gone"),
    "nothing": ("errored", "NameError: name 'nothing' is not defined"),
    "pytest.skip('later')": ("skipped", "Skipped: later"),
    "pytest.xfail('known')": ("skipped", "expected to fail: known"),
    "pass": ("passed", None),
}
FIXTURES = {
    "assert False": "failed",
    "raise httpx2.ReadTimeout('slow')": "failed",
    "{}['x']": "errored",
    "yield; {}['x']": "errored",
    "yield; assert False": "failed",
    "raise SuiteProblem('no browser')": "errored",
}


def test_a_test_is_judged_by_whose_fault_it_is(pytester: pytest.Pytester) -> None:
    tests = "\n".join(f"def test_{number}(): {body}" for number, body in enumerate(BODIES))
    found = outcomes(pytester, tests).values()
    judged = [(test.outcome, test.message) for test in found]
    assert dict(zip(BODIES, judged, strict=True)) == BODIES


def test_a_fixture_blames_the_app_only_where_it_speaks_of_it(pytester: pytest.Pytester) -> None:
    tests = "\n".join(
        f"@pytest.fixture\ndef thing{number}():\n    {body}\ndef test_{number}(thing{number}): assert True\n"
        for number, body in enumerate(FIXTURES)
    )
    judged = [test.outcome for test in outcomes(pytester, tests).values()]
    assert dict(zip(FIXTURES, judged, strict=True)) == FIXTURES


@pytest.mark.parametrize(
    ("number", "outcome"), [(socket.EAI_AGAIN, "errored"), (socket.EAI_NONAME, "failed")]
)
def test_a_name_server_that_does_not_answer_is_not_the_apps_fault(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, number: int, outcome: str
) -> None:
    def unanswered(*_: object, **__: object) -> None:
        raise socket.gaierror(number, "no answer")

    monkeypatch.setattr(socket, "getaddrinfo", unanswered)
    found = outcomes(pytester, "def test(): httpx2.get('http://app.ci.test')")["test"]
    assert found.outcome == outcome


def test_a_test_expected_to_fail_that_passes_has_failed(pytester: pytest.Pytester) -> None:
    test = outcomes(pytester, "@pytest.mark.xfail\ndef test(): assert True")["test"]
    assert test.outcome == "failed"


def test_a_file_that_cannot_be_imported_is_said(pytester: pytest.Pytester) -> None:
    line, collected, over = lines(pytester, "raise RuntimeError('at import')")
    assert (collected, over) == (Collected(tests=0), Over())
    assert line == Broken(message="test_it.py: can't be collected: RuntimeError: at import")


def test_a_test_is_announced_before_it_runs(pytester: pytest.Pytester) -> None:
    collected, started, finished, over = lines(pytester, "def test(): ...")
    assert (collected, over) == (Collected(tests=1), Over())
    assert isinstance(started, Started)
    assert isinstance(finished, TestOutcome)
    assert started.start == finished.start


def test_the_report_of_a_stranger_is_a_plain_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/etc/hostname")
    with pytest.raises(Unreadable, match="a link"):
        read_lines(tmp_path / "link")
    with pytest.raises(Unreadable, match="not a plain file"):
        read_lines(tmp_path / "pipe")
