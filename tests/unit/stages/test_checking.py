from pathlib import Path

import msgspec
import pytest
from small_recipe import COMPOSE, recipe

from cc_ci.errors import CcCiError, InfrastructureError, StageFailed, Unverified
from cc_ci.recipes.recipe import read_recipe
from cc_ci.results.schema import Outcome, TestResult
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.checking import conclude, lint_check, proof
from cc_ci.system.clock import ManualClock


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
    with pytest.raises(error) as caught:
        conclude(bench, found(*outcomes), stage="install")
    # an older error's subclass would be another fault
    assert type(caught.value) is error
    assert [test.outcome for test in bench.findings.tests["install"]] == list(outcomes)


def test_the_worst_is_told_by_its_own_reason(bench: Bench) -> None:
    with pytest.raises(InfrastructureError, match=r"^test 2: reason 2$"):
        conclude(bench, found("failed", "passed", "errored"), stage="install")


def test_each_test_has_its_deployment_unless_it_names_one(bench: Bench, deployed: Deployed) -> None:
    own, others = found("passed", "passed")
    given = [own, msgspec.structs.replace(others, deployment="keycloak")]
    conclude(bench, given, stage="install", deployed=deployed)
    conclude(bench, [own], stage="install")
    assert [test.deployment for test in bench.findings.tests["install"]] == ["install", "keycloak", None]


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
    assert {test.assertions for test in bench.findings.tests["restore"]} == {1}


def test_a_proof_has_its_time_in_the_run(bench: Bench, deployed: Deployed, clock: ManualClock) -> None:
    clock.advance(4.0)
    with proof(bench, "the marker is back", deployed=deployed, stage="restore"):
        clock.advance(3.0)
    (test,) = bench.findings.tests["restore"]
    assert (test.start, test.seconds) == (4.0, 3.0)


# lint

UNTAGGED = COMPOSE.replace("postgres:15", "postgres")


def test_what_lint_finds_is_one_test_and_its_warnings_are_passed_on(bench: Bench, tmp_path: Path) -> None:
    test = lint_check(bench, read_recipe(recipe(tmp_path / "small", compose=UNTAGGED)))
    assert (test.id, test.outcome, test.assertions) == ("lint", "failed", 1)
    assert "services.db.image" in str(test.reason) or "postgres" in str(test.reason)
    warned = [one.message for one in bench.findings.warnings if one.code == "lint"]
    assert warned
    assert any("R002" in line for line in warned)


def test_of_several_errors_of_lint_the_first_is_told_and_how_many_more(bench: Bench, tmp_path: Path) -> None:
    def more(name: str, compose: str) -> tuple[str, int]:
        said = str(lint_check(bench, read_recipe(recipe(tmp_path / name, compose=compose))).reason)
        first, _, rest = said.partition(" (and ")
        return first, int(rest.removesuffix(" more)") or 0)

    one, two = more("one", UNTAGGED), more("two", UNTAGGED.replace("nginx:1.26.3", "nginx"))
    assert one[0]
    assert two[1] == one[1] + 1
