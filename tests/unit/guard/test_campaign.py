"""Campaigns with a scripted cc-ci: what is started, what is kept, and what counts in the end."""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import made_up
import msgspec
import pytest
from made_up import MUTANT, run_result, stage, written

from cc_ci.results.schema import RunResult
from cc_ci_guard.campaign import Campaign, Job, Way, mutant_jobs, twin_jobs
from cc_ci_guard.changes import Twin
from cc_ci_guard.errors import GuardUsageError
from cc_ci_guard.loading import Listed
from cc_ci_guard.programs import Ended
from cc_ci_guard.scores import Score, bound, lines, score

RED = msgspec.structs.replace(
    made_up.made_test("test_notes.py::test_case"), outcome="failed", reason="assert b'lower' == b'upper'"
)
KILLED = run_result(stage("functional", RED, outcome="failed", reason="it", blame="recipe"), exit_code=1)
GREEN = run_result(stage("functional", made_up.made_test("test_notes.py::test_case")))
LISTED = Listed(recipe="pocket", change=MUTANT, place="some.toml:1")
WAY = Way(profile="stock", node="mine", deadline=60.0, code="a")


class ScriptedCcCi:
    """Writes the results that a script names, as cc-ci would, and ends with their exit code."""

    def __init__(self, script: Callable[[str], RunResult | None]) -> None:
        self._script = script
        self.started: list[list[str]] = []
        self.ended = 0

    def end(self) -> None:
        self.ended += 1

    def __call__(self, argv: Sequence[str], *, env: Mapping[str, str], log: Path, timeout: float) -> Ended:
        assert timeout > WAY.deadline
        self.started.append(list(argv))
        log.write_text("said")
        runs = Path(env["CC_CI_RUNS"])
        result = self._script(runs.parent.parent.name)
        if result is None:
            return Ended(returncode=3, seconds=1.0)
        written(result, runs / result.run)
        return Ended(returncode=result.exit_code, seconds=2.0)


@pytest.fixture
def recipes(tmp_path: Path) -> Path:
    for version in ("0.9.0+1", "1.0.0+1", "1.1.0+2"):
        folder = tmp_path / "recipes/pocket" / version
        folder.mkdir(parents=True)
        (folder / "notes.cgi").write_text(f"# {version}\nkey=$QUERY_STRING\n")
    return tmp_path / "recipes"


def campaign(program: ScriptedCcCi, recipes: Path, *, way: Way = WAY) -> Campaign:
    return Campaign(way, recipes=recipes, out=recipes.parent / "out", program=program, tell=lambda _: None)


def by_name(name: str) -> RunResult:
    return GREEN if "unedited" in name else KILLED


def scored(script: Callable[[str], RunResult | None], recipes: Path, *, profile: str = "stock") -> Score:
    return score(campaign(ScriptedCcCi(script), recipes)(mutant_jobs([LISTED])), profile=profile)


def test_the_twin_runs_first_and_then_the_mutant_each_as_a_process(recipes: Path) -> None:
    program = ScriptedCcCi(by_name)
    outcomes = campaign(program, recipes)(mutant_jobs([LISTED]))
    assert [one.job.name for one in outcomes] == ["pocket-unedited-functional", "pocket-key"]
    assert program.started[1][1:4] == ["-m", "cc_ci", "run"]
    words = program.started[1][5:]
    assert words == [
        *("--profile", "stock", "--stage", "functional", "--node", "mine", "--deadline", "60"),
    ]
    copy = Path(program.started[1][4])
    assert copy.name == "pocket"
    assert (copy / "notes.cgi").read_text() == "# 1.1.0+2\nkey=x\n"
    assert (Path(program.started[0][4]) / "notes.cgi").read_text().endswith("key=$QUERY_STRING\n")


def test_a_recipe_whose_mutants_are_of_several_stages_has_one_twin_with_all_stages() -> None:
    other = msgspec.structs.replace(MUTANT, name="pocket-other", stage="restore")
    jobs = mutant_jobs([LISTED, msgspec.structs.replace(LISTED, change=other)])
    assert [(job.name, job.asked) for job in jobs] == [
        ("pocket-unedited-whole", None),
        ("pocket-key", "functional"),
        ("pocket-other", "restore"),
    ]


def test_a_whole_run_names_no_stage(recipes: Path) -> None:
    program = ScriptedCcCi(by_name)
    way = msgspec.structs.replace(WAY, whole=True, soak=True)
    campaign(program, recipes, way=way)(mutant_jobs([LISTED]))
    assert "--stage" not in program.started[1]
    assert "--soak" in program.started[1]


def test_a_campaign_goes_on_from_what_is_kept(recipes: Path) -> None:
    first, second = ScriptedCcCi(by_name), ScriptedCcCi(by_name)
    campaign(first, recipes)(mutant_jobs([LISTED])[:1])
    outcomes = campaign(second, recipes)(mutant_jobs([LISTED]))
    assert [one.kept for one in outcomes] == [True, False]
    assert len(second.started) == 1
    assert outcomes[0].green


@pytest.mark.parametrize("change", ["code", "recipe", "profile", "edit"])
def test_what_was_kept_of_another_thing_does_not_count(change: str, recipes: Path) -> None:
    campaign(ScriptedCcCi(by_name), recipes)(mutant_jobs([LISTED]))
    way, listed = WAY, LISTED
    if change == "code":
        way = msgspec.structs.replace(WAY, code="b")
    if change == "profile":
        way = msgspec.structs.replace(WAY, profile="peer")
    if change == "recipe":
        (recipes / "pocket/1.1.0+2/other").write_text("new")
    if change == "edit":
        edit = msgspec.structs.replace(MUTANT.edit[0], replace="key=y")
        listed = msgspec.structs.replace(LISTED, change=msgspec.structs.replace(MUTANT, edit=(edit,)))
    program = ScriptedCcCi(by_name)
    campaign(program, recipes, way=way)(mutant_jobs([listed]))
    assert len(program.started) == (1 if change == "edit" else 2)


def test_a_run_that_was_cut_off_is_made_again(recipes: Path) -> None:
    def cut(name: str) -> RunResult:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        campaign(ScriptedCcCi(cut), recipes)(mutant_jobs([LISTED]))
    program = ScriptedCcCi(by_name)
    assert campaign(program, recipes)(mutant_jobs([LISTED]))[1].result is not None
    assert len(program.started) == 2


def test_after_an_end_from_outside_nothing_more_begins(recipes: Path) -> None:
    def cut(name: str) -> RunResult:
        raise KeyboardInterrupt

    program = ScriptedCcCi(cut)
    jobs = [Job(name=f"job-{number}", recipe="pocket") for number in range(20)]
    with pytest.raises(KeyboardInterrupt):
        campaign(program, recipes)(jobs, at_once=2)
    assert len(program.started) < 20
    assert program.ended == 1


def test_jobs_run_side_by_side(recipes: Path) -> None:
    both = threading.Barrier(2, timeout=20)

    def together(name: str) -> RunResult:
        both.wait()
        return GREEN

    jobs = [Job(name=name, recipe="pocket") for name in ("one", "other")]
    assert all(one.green for one in campaign(ScriptedCcCi(together), recipes)(jobs, at_once=2))


def test_the_score_of_a_kill(recipes: Path) -> None:
    found = scored(by_name, recipes)
    assert [one.fate for one in found.mutants] == ["killed"]
    assert found.alive == ()
    told = list(lines(found))
    assert told[0] == "1 of 1 mutants killed in stock, 4 s of runs"
    assert told[1:3] == ["  functional: 1 of 1", "    1 by test_notes.py::test_case"]


def test_a_kill_whose_twin_is_red_is_none(recipes: Path) -> None:
    found = scored(lambda _: KILLED, recipes)
    assert [one.fate for one in found.mutants] == ["no kill"]
    assert "unedited twin" in (found.mutants[0].why or "")
    assert found.alarms.false == ("pocket-unedited-functional: exit 1: no reason given",)


def test_a_survivor_is_named(recipes: Path) -> None:
    found = scored(lambda _: GREEN, recipes)
    assert "survived: pocket-key (keys are folded): the run was green" in list(lines(found))
    assert [one.name for one in found.alive] == ["pocket-key"]


def test_results_that_the_guard_does_not_know_end_the_campaign(recipes: Path) -> None:
    newer = msgspec.structs.replace(GREEN, schema_version=99)
    with pytest.raises(GuardUsageError, match="schema_version 99; the guard knows 3, 4, 5, 6"):
        scored(lambda _: newer, recipes)


def test_a_run_without_results_is_no_kill(recipes: Path) -> None:
    found = scored(lambda name: GREEN if "unedited" in name else None, recipes)
    assert found.mutants[0].why == "the run left no whole result (exit 3)"


def test_what_a_profile_can_t_see_is_no_survivor_there_and_one_elsewhere(recipes: Path) -> None:
    hidden = msgspec.structs.replace(MUTANT, unseen_by=("stock",), seen_by="operator")
    listed = msgspec.structs.replace(LISTED, change=hidden)
    outcomes = campaign(ScriptedCcCi(lambda _: GREEN), recipes)(mutant_jobs([listed]))
    found = score(outcomes, profile="stock")
    assert (found.counted, found.alive) == ((), ())
    assert "not to be seen in stock: pocket-key; operator sees it" in list(lines(found))
    assert len(score(outcomes, profile="operator").alive) == 1
    assert len(score(outcomes, profile="stock", soak=True).alive) == 1


def test_twins_run_as_often_as_asked_each_under_a_name_of_its_own(recipes: Path) -> None:
    twin = Twin(name="slow", what="starts slowly", kind="slow start", called="other")
    jobs = twin_jobs([Listed(recipe="pocket", change=twin, place="")], times=3)
    assert [job.name for job in jobs] == ["slow-1", "slow-2", "slow-3"]
    program = ScriptedCcCi(lambda _: GREEN)
    campaign(program, recipes)(jobs)
    assert {Path(argv[4]).name for argv in program.started} == {"other"}


@pytest.mark.parametrize(
    ("events", "tries", "least", "most"),
    [
        (0, 60, 0.05, 0.05),
        (0, 1, 1.0, 1.0),
        (0, 0, 1.0, 1.0),
        (5, 5, 1.0, 1.0),
        (1, 60, 0.076, 0.078),  # exact: 0.0766
        (3, 60, 0.124, 0.125),
    ],
)
def test_the_bound_of_false_alarms(events: int, tries: int, least: float, most: float) -> None:
    assert least <= bound(events, tries) <= most
