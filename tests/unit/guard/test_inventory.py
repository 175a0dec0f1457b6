"""What went between two runs is found, whatever went: the inventory says its id."""

from pathlib import Path

import made_up
import msgspec
import pytest
from click.testing import CliRunner
from example_result import example
from made_up import DEPLOY, READY, SEED, as_read, run_result, stage

from cc_ci.results.schema import PlannedDeployment, RunResult, StageResult
from cc_ci_guard import inventory
from cc_ci_guard.command import guard
from cc_ci_guard.errors import GuardUsageError
from cc_ci_guard.results import read

KEPT = made_up.made_test("test_notes.py::test_kept")
CASE = made_up.made_test("test_notes.py::test_case")
SPANS = (DEPLOY, READY, SEED)
WHOLE = run_result(stage("functional", KEPT, CASE), spans=SPANS)


def compared(a: RunResult, b: RunResult, folder: Path) -> inventory.Comparison:
    one, other = (inventory.take(as_read(result, folder)) for result in (a, b))
    return inventory.compare(one, other)


def test_a_run_has_all_that_itself_has(tmp_path: Path) -> None:
    again = inventory.take(as_read(WHOLE, tmp_path))
    assert again.parts["tests"] == {
        "functional: test_notes.py::test_case": 1,
        "functional: test_notes.py::test_kept": 1,
    }
    assert again.parts["assertions"] == dict.fromkeys(again.parts["tests"], 2)
    assert again.parts["probes"] == {"ready: app: /": 1}
    assert again.parts["seeds"] == {"upgrade: seed": 1}
    assert compared(WHOLE, WHOLE, tmp_path) == inventory.Comparison(
        less=(), fewer_allowed=(), more=(), notes=()
    )


def without(**changes: object) -> RunResult:
    return msgspec.structs.replace(WHOLE, **changes)


def functional(*tests: object) -> tuple[StageResult, ...]:
    return (stage("functional", *tests),)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("less", "told"),
    [
        (without(stages=functional(KEPT)), "tests: functional: test_notes.py::test_case: gone"),
        (
            without(stages=functional(KEPT, msgspec.structs.replace(CASE, assertions=1))),
            "assertions: functional: test_notes.py::test_case: 1 instead of 2",
        ),
        (
            without(stages=functional(KEPT, msgspec.structs.replace(CASE, outcome="skipped"))),
            "tests: functional: test_notes.py::test_case: gone",
        ),
        (
            without(stages=functional(KEPT, msgspec.structs.replace(CASE, outcome="errored"))),
            "tests: functional: test_notes.py::test_case: gone",
        ),
        (without(spans=(DEPLOY, SEED)), "probes: ready: app: /: gone"),
        (
            without(
                spans=(DEPLOY, SEED, msgspec.structs.replace(READY, attributes={"waits_for": "/healthz"}))
            ),
            "probes: ready: app: /: gone",
        ),
        (without(spans=(DEPLOY, READY)), "seeds: upgrade: seed: gone"),
        (without(spans=(READY, SEED)), "deployments: install: why is not told: gone"),
    ],
)
def test_what_went_is_named(less: RunResult, told: str, tmp_path: Path) -> None:
    found = compared(WHOLE, less, tmp_path)
    assert told in [one.line for one in found.less]
    assert compared(less, WHOLE, tmp_path).less == () or "/healthz" in str(compared(less, WHOLE, tmp_path))


def test_a_deployment_is_known_by_its_versions_and_why(tmp_path: Path) -> None:
    planned = PlannedDeployment(name="upgrade", versions=("old", "new"), why="seeded data, upgraded")
    entries = inventory.take(as_read(without(deployments=(planned,), spans=()), tmp_path)).parts
    assert entries["deployments"] == {
        "upgrade (the old version, then the new version): seeded data, upgraded": 1
    }


def test_a_test_that_moved_to_another_stage_is_gone_from_its_own(tmp_path: Path) -> None:
    moved = without(stages=(stage("upgrade", CASE), stage("functional", KEPT)))
    assert [one.part for one in compared(WHOLE, moved, tmp_path).less] == ["tests", "assertions"]


def test_hashes_change_with_what_they_are_of_and_with_nothing_else(tmp_path: Path) -> None:
    one = inventory.take(as_read(WHOLE, tmp_path)).hashes
    slower = without(total_seconds=9.0, run="pocket-2", stages=functional(CASE, KEPT))
    assert inventory.take(as_read(slower, tmp_path)).hashes == one
    less = inventory.take(as_read(without(spans=(DEPLOY, READY)), tmp_path)).hashes
    assert {part for part in one if one[part] != less[part]} == {"seeds", "all"}


def test_what_is_allowed_to_be_less_is_told_and_is_no_fault(tmp_path: Path) -> None:
    one, other = (
        inventory.take(as_read(result, tmp_path)) for result in (WHOLE, without(spans=(READY, SEED)))
    )
    found = inventory.compare(one, other, allowed=frozenset({"deployments"}))
    assert found.less == ()
    assert [less.part for less in found.fewer_allowed] == ["deployments"]


def test_runs_that_can_t_be_compared_are_refused(tmp_path: Path) -> None:
    other = without(recipe=msgspec.structs.replace(WHOLE.recipe, name="n8n"))
    with pytest.raises(GuardUsageError, match="name two runs of one recipe"):
        compared(WHOLE, other, tmp_path)
    with pytest.raises(GuardUsageError, match="it did not finish"):
        compared(WHOLE, without(state="running"), tmp_path)


def test_suites_that_differ_are_told(tmp_path: Path) -> None:
    other = without(recipe=msgspec.structs.replace(WHOLE.recipe, suite_hash="b"))
    assert "the suites of the two runs differ" in compared(WHOLE, other, tmp_path).notes[0]


def test_the_schema_as_it_is_today_is_read(tmp_path: Path) -> None:
    assert read(made_up.written(example(), tmp_path)).recipe.name == example().recipe.name


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": "4"}', "\ud800"])
def test_what_is_no_result_is_refused_in_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(GuardUsageError, match="not the results of a run"):
        read(path)


def test_the_command_fails_where_b_has_less(tmp_path: Path) -> None:
    made_up.written(WHOLE, tmp_path / "runs" / "pocket-1")
    made_up.written(without(stages=functional(KEPT)), tmp_path / "runs" / "pocket-2")
    run = CliRunner(env={"CC_CI_RUNS": str(tmp_path / "runs")})
    found = run.invoke(guard, ["inventory", "pocket-1", "pocket-2"])
    assert found.exit_code == 1
    assert "less: tests: functional: test_notes.py::test_case: gone" in found.output
    assert run.invoke(guard, ["inventory", "pocket-2", "pocket-1"]).exit_code == 0
    assert run.invoke(guard, ["inventory", "pocket-2", "pocket-1", "--json"]).output.startswith("{")
    unknown = run.invoke(guard, ["inventory", "pocket-3", "pocket-1"])
    assert (unknown.exit_code, unknown.output.count("\n")) == (2, 1)
    assert run.invoke(guard, ["inventory", "pocket", "pocket-1"]).exit_code == 2
