"""Which suite a recipe has: one that was given, its own, or one that ships."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from cc_ci.cli.suite import suite as command
from cc_ci.errors import InfrastructureError, UsageError
from cc_ci.suite.finding import OWN, suite_of
from cc_ci.testkit.recipes import small_recipe


def made(folder: Path, *, recipe: str = "small") -> Path:
    folder.mkdir(parents=True)
    (folder / "suite.toml").write_text(f'recipe = "{recipe}"\n')
    return folder


def test_a_given_one_wins_over_its_own_and_its_own_over_one_that_ships(tmp_path: Path) -> None:
    root = tmp_path / "small"
    given, shipped = tmp_path / "given", tmp_path / "shipped"
    assert suite_of(root, given=[given], shipped=[shipped]) is None
    ships = made(shipped / "small")
    assert suite_of(root, given=[given], shipped=[shipped]).folder == ships  # type: ignore[union-attr]
    own = made(root / OWN)
    assert suite_of(root, given=[given], shipped=[shipped]).folder == own  # type: ignore[union-attr]
    told = made(given / "small")
    assert suite_of(root, given=[given], shipped=[shipped]).folder == told  # type: ignore[union-attr]


def test_a_checkout_may_have_any_name(tmp_path: Path) -> None:
    root = tmp_path / "checkout-of-pr-12"
    own = made(root / OWN, recipe="small")
    assert suite_of(root, given=[], shipped=[]).folder == own  # type: ignore[union-attr]


@pytest.mark.attack(
    what="a recipe's tests/cc-ci is a link to another folder, whose files its tests would read",
    before="a recipe had no suite of its own",
    now="refused: the suite has to lie in the recipe",
    layer="input",
)
@pytest.mark.parametrize("link", ["tests", "tests/cc-ci"])
def test_an_own_suite_that_lies_elsewhere_is_refused(tmp_path: Path, link: str) -> None:
    root = tmp_path / "small"
    elsewhere = tmp_path / "elsewhere"
    made(elsewhere / "cc-ci" if link == "tests" else elsewhere)
    (root / link).parent.mkdir(parents=True)
    (root / link).symlink_to(elsewhere)
    with pytest.raises(
        InfrastructureError, match="a link; a recipe's own suite has to lie in its own folder"
    ):
        suite_of(root, given=[], shipped=[])


def test_a_new_suite_lies_beside_the_recipe_and_is_found_there(tmp_path: Path) -> None:
    recipe = small_recipe(tmp_path)
    called = CliRunner().invoke(command, ["new", str(recipe)], catch_exceptions=False)
    assert called.exit_code == 0, called.output
    assert str(recipe / OWN / "suite.toml") in called.stdout
    checked = CliRunner().invoke(command, ["check", str(recipe)], catch_exceptions=False)
    assert checked.exit_code == 0, checked.output
    assert f"{recipe / OWN}: " in checked.stderr


def test_a_new_suite_goes_where_it_is_told_and_into_nothing_that_ships(tmp_path: Path) -> None:
    called = CliRunner().invoke(command, ["new", str(small_recipe(tmp_path)), "--into", str(tmp_path / "my")])
    assert str(tmp_path / "my" / "small" / "suite.toml") in called.stdout
    error = CliRunner().invoke(command, ["new", "pocket"]).exception
    assert isinstance(error, UsageError)
    assert "is no folder of yours to write into; give one by --into FOLDER" in str(error)
