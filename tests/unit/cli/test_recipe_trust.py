"""`cc-ci recipe trust`, and what lint and inspect say of it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from policy_recipe import write

from cc_ci.cli.recipe import recipe
from cc_ci.errors import UsageError
from cc_ci.recipes.policy.permissions import KINDS


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = write(tmp_path / "poc", service="volumes: ['/etc/localtime:/etc/localtime:ro']")
    other = 'version: "3.13"\nservices:\n  app:\n    cap_add: [NET_ADMIN]\n'
    (folder / "compose.vpn.yml").write_text(other)
    return folder


def rows(*words: str) -> list[dict[str, str]]:
    told = CliRunner().invoke(recipe, ["trust", *words, "--json"]).stdout
    found: list[dict[str, str]] = json.loads(told)["permissions"]
    return found


def test_all_that_trust_opens_is_listed() -> None:
    assert [row["permission"] for row in rows()] == list(KINDS)


def test_what_a_recipe_needs_is_listed_over_all_its_files(root: Path) -> None:
    assert [(row["permission"], row["where"]) for row in rows(str(root))] == [
        ("bind:/etc/localtime", "compose.yml:14"),
        ("capability:NET_ADMIN", "compose.vpn.yml:4"),
    ]
    assert [row["permission"] for row in rows(str(root), "--trust", "bind:/etc/localtime")] == [
        "capability:NET_ADMIN"
    ]
    with pytest.raises(UsageError, match="did you mean capability"):
        CliRunner().invoke(recipe, ["trust", str(root), "--trust", "capabilty:X"], catch_exceptions=False)


def test_lint_says_which_flags_a_run_needs(root: Path) -> None:
    said = CliRunner().invoke(recipe, ["lint", str(root)]).stderr
    assert "a run is refused without --trust bind:/etc/localtime --trust capability:NET_ADMIN;" in said
    asked = ["lint", str(root), "--trust", "bind:/etc/localtime", "--trust", "capability:NET_ADMIN"]
    assert CliRunner().invoke(recipe, asked).stderr == ""


def test_lint_has_an_error_for_what_no_recipe_may_have(root: Path) -> None:
    write(root, labels="cc-ci.run=x")
    found = json.loads(CliRunner().invoke(recipe, ["lint", str(root), "--json"]).stdout)["findings"]
    (one,) = [row for row in found if row["rule"] == "C020"]
    assert (one["severity"], one["file"], one["line"]) == ("error", "compose.yml", 14)


def test_inspect_shows_what_is_asked_for(root: Path) -> None:
    seen = json.loads(CliRunner().invoke(recipe, ["inspect", str(root), "--json"]).stdout)["recipe"]
    assert [(row["permission"], row["blame"]) for row in seen["asks_for"]] == [
        ("bind:/etc/localtime", "policy")
    ]
