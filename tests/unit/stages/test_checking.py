import pytest

from cc_ci.errors import CcCiError, InfrastructureError, StageFailed, Unverified
from cc_ci.results.schema import Outcome, TestResult
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.checking import conclude, proof


def found(*outcomes: Outcome) -> list[TestResult]:
    return [
        TestResult(id=f"test {number}", outcome=outcome, reason=f"reason {number}")
        for number, outcome in enumerate(outcomes)
    ]


def test_all_is_kept_and_nothing_raised_when_all_passed(bench: Bench) -> None:
    conclude(bench, found("passed", "skipped"), stage="install")
    assert len(bench.findings.tests["install"]) == 2


@pytest.mark.parametrize(
    ("outcomes", "error"),
    [
        (("passed", "failed"), StageFailed),
        (("unverified", "failed"), StageFailed),
        (("failed", "errored"), InfrastructureError),
        (("unverified",), Unverified),
    ],
)
def test_the_worst_decides_whose_fault_it_is(
    bench: Bench, outcomes: tuple[Outcome, ...], error: type[CcCiError]
) -> None:
    with pytest.raises(error):
        conclude(bench, found(*outcomes), stage="install")


def test_one_line_says_how_many_more_there_are(bench: Bench) -> None:
    with pytest.raises(StageFailed, match=r"test 0: reason 0 \(and 1 more\)"):
        conclude(bench, found("failed", "failed"), stage="install")


def test_a_proof_counts_as_a_test_whichever_way_it_ends(bench: Bench, deployed: Deployed) -> None:
    with proof(bench, "the marker is back", deployed=deployed, stage="restore"):
        pass
    with pytest.raises(StageFailed), proof(bench, "later data is gone", deployed=deployed, stage="restore"):
        raise StageFailed("still there")
    with pytest.raises(InfrastructureError), proof(bench, "not told", deployed=deployed, stage="restore"):
        raise InfrastructureError("restic is missing")
    tests = [(test.id, test.outcome, test.reason) for test in bench.findings.tests["restore"]]
    assert tests == [
        ("the marker is back", "passed", None),
        ("later data is gone", "failed", "still there"),
    ]
    assert {test.deployment for test in bench.findings.tests["restore"]} == {"install"}
