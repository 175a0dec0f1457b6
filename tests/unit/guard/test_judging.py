"""A kill is the declared stage failed by the declared check, with blame, cause and place."""

from pathlib import Path

import made_up
import msgspec
import pytest
from made_up import MUTANT, as_read, run_result, stage

from cc_ci.results import schema
from cc_ci.timing.spans import Span
from cc_ci_guard.changes import Mutant
from cc_ci_guard.judging import Judged, judge

RED = msgspec.structs.replace(
    made_up.made_test("test_notes.py::test_case"), outcome="failed", reason="assert b'lower' == b'upper'"
)
FAILED = stage("functional", RED, outcome="failed", reason=f"{RED.id}: {RED.reason}", blame="recipe")
TEARDOWN = stage("teardown")


def judged(
    *stages: schema.StageResult,
    tmp_path: Path,
    mutant: Mutant = MUTANT,
    exit_code: int = 1,
    spans: tuple[Span, ...] = (),
) -> Judged:
    result = run_result(*stages, exit_code=exit_code, spans=spans)
    return judge(mutant, as_read(result, tmp_path), returncode=exit_code)


def test_the_declared_check_kills(tmp_path: Path) -> None:
    found = judged(FAILED, TEARDOWN, tmp_path=tmp_path)
    assert found == Judged(fate="killed", seen=("functional: test_notes.py::test_case",))


def test_a_green_run_lets_it_survive(tmp_path: Path) -> None:
    assert judged(stage("functional"), tmp_path=tmp_path, exit_code=0).fate == "survived"


def changed(found: schema.StageResult, **changes: object) -> schema.StageResult:
    return msgspec.structs.replace(found, **changes)


@pytest.mark.parametrize(
    ("stages", "exit_code", "why"),
    [
        ([changed(FAILED, outcome="errored", blame="cc-ci")], 3, "stage functional was errored"),
        ([changed(FAILED, outcome="unverified", blame="provider")], 5, "stage functional was unverified"),
        ([changed(FAILED, blame="host")], 1, "blame is host, not recipe"),
        ([changed(FAILED, tests=())], 1, "test_notes.py::test_case did not fail"),
        (
            [changed(FAILED, tests=(msgspec.structs.replace(RED, id="test_notes.py::test_other"),))],
            1,
            "test_notes.py::test_case did not fail",
        ),
        (
            [changed(FAILED, tests=(msgspec.structs.replace(RED, outcome="errored"),))],
            1,
            "test_notes.py::test_case did not fail",
        ),
        (
            [changed(FAILED, tests=(msgspec.structs.replace(RED, reason="assert False"),))],
            1,
            "its message does not name 'lower'",
        ),
        ([TEARDOWN], 1, "stage functional did not run"),
        ([stage("functional"), changed(FAILED, name="upgrade")], 1, "stage functional was passed"),
        ([FAILED, TEARDOWN], 4, "exit 4, not 1"),
        ([FAILED, changed(FAILED, name="sso", outcome="errored")], 3, "exit 3, not 1"),
    ],
)
def test_anything_else_is_no_kill(
    stages: list[schema.StageResult], exit_code: int, why: str, tmp_path: Path
) -> None:
    found = judged(*stages, tmp_path=tmp_path, exit_code=exit_code)
    assert found.fate == "no kill"
    assert (found.why or "").startswith(why)


def test_a_message_needs_its_place(tmp_path: Path) -> None:
    mutant = msgspec.structs.replace(MUTANT, place="compose.yml")
    found = judged(FAILED, tmp_path=tmp_path, mutant=mutant)
    assert (found.why or "").startswith("its message does not name 'compose.yml'")


def test_one_message_of_several_is_enough(tmp_path: Path) -> None:
    poor = msgspec.structs.replace(RED, reason="assert False", deployment="fresh")
    assert judged(changed(FAILED, tests=(poor, RED)), tmp_path=tmp_path).fate == "killed"


def test_no_whole_result_is_no_kill(tmp_path: Path) -> None:
    assert judge(MUTANT, None, returncode=1).why == "the run left no whole result (exit 1)"
    assert judge(MUTANT, None, returncode=None).why == "the run left no whole result (was ended by force)"
    running = msgspec.structs.replace(run_result(FAILED, exit_code=1), state="running")
    assert judge(MUTANT, as_read(running, tmp_path), returncode=1).fate == "no kill"


def test_an_exit_code_that_is_not_the_results_own_is_no_kill(tmp_path: Path) -> None:
    found = judge(MUTANT, as_read(run_result(FAILED, exit_code=1), tmp_path), returncode=0)
    assert found.why == "exit 0, and its results say 1"


STEP = msgspec.structs.replace(MUTANT, stage="install", check="step deploy", cause=("exit 3",), place="app")
BROKEN = Span(
    id=1,
    name="install: deploy",
    kind="step",
    action="deploy",
    start=0,
    end=1,
    stage="install",
    status="failed",
)
CRASHED = stage("install", outcome="failed", blame="recipe", reason="service app: exit 3")


def test_a_step_that_failed_is_a_check_too(tmp_path: Path) -> None:
    assert judged(CRASHED, tmp_path=tmp_path, mutant=STEP, spans=(BROKEN,)).fate == "killed"


@pytest.mark.parametrize(
    "span",
    [
        msgspec.structs.replace(BROKEN, status="done"),
        msgspec.structs.replace(BROKEN, stage="upgrade"),
        msgspec.structs.replace(BROKEN, action="check"),
        msgspec.structs.replace(BROKEN, kind="wait"),
    ],
)
def test_another_step_is_none(span: Span, tmp_path: Path) -> None:
    assert judged(CRASHED, tmp_path=tmp_path, mutant=STEP, spans=(span,)).fate == "no kill"


def test_what_the_plan_decides_has_no_step(tmp_path: Path) -> None:
    decided = msgspec.structs.replace(STEP, check="step plan")
    assert judged(CRASHED, tmp_path=tmp_path, mutant=decided).fate == "killed"
    assert judged(CRASHED, tmp_path=tmp_path, mutant=decided, spans=(BROKEN,)).fate == "no kill"
