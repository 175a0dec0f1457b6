from pathlib import Path

import pytest
import yaml
from small_recipe import RUN, app, node, recipe

from cc_ci.engine.overlay import Tuning, overlay
from cc_ci.engine.run_folder import OVERLAY_FILE, common_version, with_version, write_run_folder
from cc_ci.errors import CcCiError


def written(root: Path, folder: Path) -> tuple[Path, ...]:
    configured, stack = app(root)
    laid = overlay(stack, configured, run=RUN, node=node(), proxy_network="p1")
    return write_run_folder(configured, stack, laid, folder)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("services: {}\n", 'version: "3.9"\nservices: {}\n'),
        ("# c\n---\nservices: {}\n", '# c\n---\nversion: "3.9"\nservices: {}\n'),
        ("---\nversion: '3.4' # old\nx: 1\n", '---\nversion: "3.9"\nx: 1\n'),
        ('x: 1\n"version":   3.8\ny: 2\n', 'x: 1\nversion: "3.9"\ny: 2\n'),
        ("services:\n  a:\n    version: 1\n", 'version: "3.9"\nservices:\n  a:\n    version: 1\n'),
    ],
)
def test_one_line_is_written_and_nothing_else_changed(text: str, expected: str) -> None:
    assert with_version(text, "3.9") == expected


@pytest.mark.parametrize(
    ("newest", "expected"), [("3", "3.8"), ("3.2", "3.8"), ("3.9", "3.9"), ("3.13", "3.13")]
)
def test_the_version_is_the_newest_and_no_older_than_the_overlay_needs(newest: str, expected: str) -> None:
    assert common_version(newest) == expected


def test_a_run_folder_is_the_recipe_and_the_overlay_with_one_version(tmp_path: Path) -> None:
    root = recipe(tmp_path / "recipe")
    compose, laid = written(root, tmp_path / "run")
    read = yaml.safe_load(compose.read_text())
    assert read["services"]["app"]["environment"] == ["DOMAIN=small-abc.ci.test", "OWN=1"]
    assert read["configs"]["site"]["name"] == "small-abc_ci_test_site_v1"
    assert read["version"] == "3.8"
    assert compose.stat().st_mode & 0o777 == 0o600
    assert laid.name == OVERLAY_FILE
    assert yaml.safe_load(laid.read_text())["version"] == "3.8"
    assert (tmp_path / "run/site.conf").read_text() == "server {}\n"


def test_a_dollar_in_the_overlay_is_no_variable(tmp_path: Path) -> None:
    root = recipe(tmp_path / "recipe", env="PRICE='5$'\n")
    laid = written(root, tmp_path / "run")[-1]
    assert yaml.safe_load(laid.read_text())["services"]["app"]["environment"]["PRICE"] == "5$$"


def test_what_is_gone_from_the_recipe_is_gone_from_the_folder(tmp_path: Path) -> None:
    root = recipe(tmp_path / "recipe")
    (root / "old.txt").write_text("")
    written(root, tmp_path / "run")
    (root / "old.txt").unlink()
    written(root, tmp_path / "run")
    assert not (tmp_path / "run/old.txt").exists()


def test_a_link_out_of_the_recipe_is_left_behind(tmp_path: Path) -> None:
    outside = tmp_path / "secret"
    outside.write_text("s")
    root = recipe(tmp_path / "recipe")
    (root / "leak").symlink_to(outside)
    (root / "alias").symlink_to("site.conf")
    written(root, tmp_path / "run")
    assert not (tmp_path / "run/leak").is_symlink()
    assert (tmp_path / "run/alias").read_text() == "server {}\n"


def test_a_config_that_is_a_link_out_of_the_recipe_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "secret"
    outside.write_text("s")
    root = recipe(tmp_path / "recipe")
    (root / "site.conf").unlink()
    (root / "site.conf").symlink_to(outside)
    with pytest.raises(CcCiError):
        written(root, tmp_path / "run")


def test_a_start_interval_takes_a_schema_that_has_it(tmp_path: Path) -> None:
    configured, stack = app(recipe(tmp_path / "recipe"))
    tuning = Tuning(start_interval=0.5)
    laid = overlay(stack, configured, run=RUN, node=node(), proxy_network="p1", tuning=tuning)
    files = write_run_folder(configured, stack, laid, tmp_path / "run")
    assert {yaml.safe_load(file.read_text())["version"] for file in files} == {"3.12"}
