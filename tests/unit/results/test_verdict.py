import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc_ci.results.schema import Leak, Outcome, StageResult
from cc_ci.results.verdict import EXIT_CODES, judge

LEAK = Leak(kind="volume", name="cust_content")


def stages(*outcomes: Outcome) -> list[StageResult]:
    return [StageResult(name="install", outcome=outcome, reason="why") for outcome in outcomes]


@pytest.mark.parametrize(
    ("outcomes", "leaks", "code"),
    [
        (["passed", "skipped"], [], 0),
        (["passed", "failed"], [], 1),
        (["failed", "errored"], [], 3),
        (["failed", "unverified"], [], 1),
        (["passed", "unverified"], [], 5),
        (["passed"], [LEAK], 4),
        (["failed", "errored"], [LEAK], 4),
        ([], [], 5),
    ],
)
def test_exit_code(outcomes: list[Outcome], leaks: list[Leak], code: int) -> None:
    assert judge(stages(*outcomes), leaks).exit_code == code


def test_what_came_from_outside_counts_in_order() -> None:
    failed = stages("failed")
    assert judge(failed, [LEAK], interrupted="ctrl-c").exit_code == 130
    assert judge(failed, [LEAK], interrupted="ctrl-c", usage="no such stage").exit_code == 2
    assert judge(stages("passed"), [], errored="engine gone").exit_code == 3


def test_every_reason_is_said_the_deciding_one_first() -> None:
    seen = [
        StageResult(name="install", outcome="failed", reason="app exits"),
        StageResult(name="functional", outcome="skipped", reason="no suite"),
    ]
    assert judge(seen, [LEAK]).because == (
        "volume cust_content: left by the run",
        "install failed: app exits",
        "functional skipped: no suite",
    )


def test_what_no_stage_says_has_its_line_too() -> None:
    outside = judge([], [], interrupted="ended by SIGINT", errored="disk: full", usage="no such stage")
    assert outside.because == ("no such stage", "ended by SIGINT", "disk: full", "no stage ran")
    assert outside.word == "usage"
    assert judge([StageResult(name="install", outcome="failed")], []).because == (
        "install failed: no reason given",
    )
    assert judge(stages("passed"), []).because == ()


outcomes = st.sampled_from(["passed", "failed", "errored", "skipped", "unverified"])


@given(seen=st.lists(outcomes, max_size=7), leaks=st.sampled_from([[], [LEAK]]))
def test_green_only_if_all_passed_or_skipped_and_nothing_leaked(
    seen: list[Outcome], leaks: list[Leak]
) -> None:
    verdict = judge(stages(*seen), leaks)
    assert (verdict.word == "green") == (bool(seen) and set(seen) <= {"passed", "skipped"} and not leaks)
    assert verdict.exit_code == EXIT_CODES[verdict.word]
    assert (verdict.exit_code == 0) == (verdict.word == "green")
