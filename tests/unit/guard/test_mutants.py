"""Mutants and twins as they ship: each fits the recipe as it is now, and leaves one that can be read."""

import shutil
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner

from cc_ci.pipeline.plan import Action
from cc_ci.recipes.configuring import configure
from cc_ci.recipes.recipe import read_recipe
from cc_ci.recipes.stack import read_stack
from cc_ci_guard import loading
from cc_ci_guard.changes import KINDS, Change, Edit, Mutant, apply, versions
from cc_ci_guard.command import guard
from cc_ci_guard.copies import make_copy
from cc_ci_guard.errors import GuardUsageError
from cc_ci_guard.loading import Listed, line_of
from cc_ci_guard.programs import said_by

ROOT = Path(__file__).parents[3]
RECIPES = ROOT / "lab/recipes"
MUTANTS = loading.mutants(ROOT / "guard/mutants")
OVERRIDES = {"COMPOSE_FILE": "compose.yml"}
TWINS = loading.twins(ROOT / "guard/twins")


def listed_names(found: tuple[Listed, ...]) -> list[str]:
    return [one.name for one in found]


@pytest.mark.parametrize("one", [*MUTANTS, *TWINS], ids=listed_names((*MUTANTS, *TWINS)))
def test_each_fits_its_recipe_and_leaves_one_that_can_be_read(one: Listed, tmp_path: Path) -> None:
    old, new = versions(RECIPES / one.recipe)
    for version, folder in (("old", old), ("new", new)):
        copy = tmp_path / version / one.recipe
        shutil.copytree(folder, copy)
        apply(one.change, copy, version=version)
        app = configure(read_recipe(copy), domain="app.ci.test", overrides=OVERRIDES)
        assert read_stack(app).services


def test_there_are_mutants_enough_of_every_kind_and_recipe() -> None:
    assert len(MUTANTS) >= 60
    changes = [one.change for one in MUTANTS if isinstance(one.change, Mutant)]
    assert {change.kind for change in changes} == set(KINDS)
    assert {change.stage for change in changes} == {
        "install",
        "upgrade",
        "backup",
        "restore",
        "functional",
        "sso",
        "teardown",
    }
    recipes = [one.recipe for one in MUTANTS]
    assert set(recipes) == {"pocket", "custom-html", "n8n", "keycloak", "matrix-synapse"}
    assert sum(recipe in {"pocket", "custom-html"} for recipe in recipes) > len(recipes) / 2


def test_there_are_twins_of_fifteen_kinds() -> None:
    assert len({one.change.kind for one in TWINS}) >= 15


def test_each_check_that_is_a_suites_is_one_of_its_functions() -> None:
    for one in MUTANTS:
        assert isinstance(one.change, Mutant)
        file, _, test = one.change.check.partition("::")
        if test:
            suite = ROOT / "suites" / one.recipe / file
            assert f"def {test.partition('[')[0]}(" in suite.read_text(), one.place


def test_each_step_that_a_check_names_is_an_action_of_plans() -> None:
    steps = {one.change.check for one in MUTANTS if one.change.check.startswith("step ")}  # type: ignore[union-attr]
    assert steps <= {"step plan", *(f"step {action}" for action in get_args(Action))}


GOOD = """\
recipe = "pocket"

[[mutant]]
name = "a"
what = "b"
kind = "data"
stage = "install"
check = "lint"
cause = ["c"]
place = "compose.yml"
[[mutant.edit]]
version = "both"
file = "compose.yml"
find = "x"
replace = "y"

[[mutant]]
name = "second"
what = "b"
kind = "data"
stage = "install"
check = "lint"
cause = ["c"]
place = "compose.yml"
[[mutant.edit]]
version = "both"
file = "compose.yml"
find = "x"
replace = "y"
"""


def loaded(text: str, tmp_path: Path) -> tuple[Listed, ...]:
    (tmp_path / "some.toml").write_text(text)
    return loading.mutants(tmp_path)


def test_the_example_is_read(tmp_path: Path) -> None:
    assert [one.place for one in loaded(GOOD, tmp_path)] == ["some.toml:4", "some.toml:18"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("second", "a"), "some.toml:18: name: 'a' is that of some.toml:4, too"),
        (("second", "Se cond"), "some.toml:18: mutant Se cond: name: has more than small letters"),
        (('name = "second"', "nmae = 1"), "some.toml:18: mutant 2.nmae: Object contains unknown field"),
        (
            ('stage = "install"', 'stage = "deploy"'),
            "some.toml:7: mutant 1.stage: Invalid enum value 'deploy'",
        ),
        (('cause = ["c"]', "cause = [1]"), "some.toml:9: mutant 1.cause 1: Expected `str`"),
        (('cause = ["c"]', "cause = []"), "some.toml:9: mutant a: cause: empty"),
        (('place = "compose.yml"', 'place = ""'), "some.toml:10: mutant a: place: empty"),
        (('replace = "y"', 'replace = "x"'), "some.toml:15: mutant a: edit[0].replace: changes nothing"),
        (('find = "x"\n', ""), "some.toml:11: mutant 1.edit 1.find: Object missing required field"),
        (
            ('check = "lint"', 'check = "lint"\nunseen_by = ["stock"]'),
            "some.toml:9: mutant a: unseen_by: goes",
        ),
        (("[[mutant]]", "[[mutant"), "some.toml:3: no TOML"),
        (('recipe = "pocket"', ""), "some.toml:1: recipe: Object missing required field"),
    ],
)
def test_what_is_wrong_is_told_with_file_line_and_key(
    change: tuple[str, str], said: str, tmp_path: Path
) -> None:
    text = GOOD.replace(*change, -1 if "second" in change[0] else 1)
    with pytest.raises(GuardUsageError) as error:
        loaded(text, tmp_path)
    assert error.value.message.startswith(said)
    assert "\n" not in error.value.message


def test_a_key_in_a_text_of_many_lines_is_found_in_its_own_table() -> None:
    assert line_of(GOOD, "$.mutant[1].edit[0].find") == 28
    assert line_of(GOOD, "$.mutant[7].name") == 1


def edited(edit: Edit, tmp_path: Path, content: str = "one two two") -> str:
    (tmp_path / "file").write_text(content)
    apply(Change(name="a", what="b", edit=(edit,)), tmp_path, version="new")
    return (tmp_path / "file").read_text()


@pytest.mark.parametrize(
    ("find", "file", "said"),
    [
        ("two", "file", "is there 2 times in the new version"),
        ("three", "file", "is there 0 times in the new version"),
        ("one", "other", "the new version has no such file"),
        ("one", "../file", "outside of the recipe"),
        ("one", "/etc/hostname", "outside of the recipe"),
    ],
)
def test_an_edit_that_fits_no_one_place_is_refused(find: str, file: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(GuardUsageError, match=said):
        edited(Edit(version="both", file=file, find=find, replace="x"), tmp_path)


def test_an_edit_of_the_old_version_leaves_the_new_one(tmp_path: Path) -> None:
    assert edited(Edit(version="new", file="file", find="one", replace="1"), tmp_path) == "1 two two"
    assert edited(Edit(version="old", file="file", find="one", replace="1"), tmp_path) == "one two two"


def test_a_copy_has_both_versions_tagged_and_the_same_commits_each_time(tmp_path: Path) -> None:
    one = next(one for one in MUTANTS if one.name == "pocket-upgrade-starts-anew")
    told = set()
    for place in ("a", "b"):
        copy = make_copy(RECIPES / "pocket", one.change, tmp_path / place / "pocket")
        told.add(said_by(["git", "-C", str(copy), "for-each-ref", "--format=%(refname:short) %(objectname)"]))
        old = said_by(["git", "-C", str(copy), "show", "0.1.1+1.35.0:entrypoint.sh"])
        assert "/notes/.v2" not in old
        assert "/notes/.v2" in (copy / "entrypoint.sh").read_text()
        assert said_by(["git", "-C", str(copy), "status", "--porcelain"]) == ""
    assert len(told) == 1
    assert [line.split()[0] for line in told.pop().splitlines()] == ["main", "0.1.1+1.35.0", "0.2.0+1.37.0"]


def test_the_command_lists_them_and_refuses_names_that_are_none() -> None:
    run = CliRunner()
    listed = run.invoke(guard, ["mutants", "--list", "--recipes", "n8n"])
    assert listed.exit_code == 0
    assert listed.output.count("\n") == sum(one.recipe == "n8n" for one in MUTANTS)
    assert run.invoke(guard, ["twins", "--list", "--json"]).output.startswith("[")
    for wrong in (["--only", "none"], ["--recipes", "none"]):
        refused = run.invoke(guard, ["mutants", "--list", *wrong])
        assert (refused.exit_code, refused.output.count("\n")) == (2, 1)
