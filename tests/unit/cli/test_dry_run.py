"""`cc-ci run --dry-run`: the whole of a run but for the node."""

import json

import pytest
from click.testing import CliRunner

from cc_ci.cli.main import cc_ci


@pytest.fixture
def cli(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """One that has no node, no results and no docker to reach."""
    monkeypatch.setenv("CC_CI_STATE", str(tmp_path_factory.mktemp("state")))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent")
    return CliRunner()


def test_a_dry_run_says_what_it_would_do_in_which_order(cli: CliRunner) -> None:
    said = cli.invoke(cc_ci, ["run", "pocket", "--dry-run", "--json"], catch_exceptions=False)
    assert said.exit_code == 0
    plan = json.loads(said.stdout)["plan"]
    assert [step["action"] for step in plan["steps"]][:4] == ["pull", "prepare", "deploy", "check"]
    assert plan["steps"][-1]["action"] == "leak_check"
    assert [decided["stage"] for decided in plan["decided"]] == ["sso"]


def test_one_stage_is_planned_with_what_it_needs(cli: CliRunner) -> None:
    said = cli.invoke(cc_ci, ["run", "pocket", "--dry-run", "--json", "--stage", "functional"])
    actions = [step["action"] for step in json.loads(said.stdout)["plan"]["steps"]]
    acted = ["pull", "prepare", "deploy", "test", "kill", "undeploy", "conclude_stops", "leak_check"]
    assert actions == acted


def test_a_recipe_that_signs_on_elsewhere_is_planned_with_its_provider_and_all_images(cli: CliRunner) -> None:
    said = cli.invoke(cc_ci, ["run", "lasuite-docs", "--dry-run"], catch_exceptions=False)
    assert said.exit_code == 0
    assert said.stdout.startswith("lasuite-docs 0.1.0+v5.4.1 to 0.2.0+v5.5.0, with keycloak ")
    for image in ("lasuite/impress-backend:v5.4.1", "lasuite/impress-backend:v5.5.0", "keycloak/keycloak:"):
        assert image in said.stdout


def test_one_stage_brings_the_images_that_it_needs_and_no_more(cli: CliRunner) -> None:
    said = cli.invoke(cc_ci, ["run", "lasuite-docs", "--dry-run", "--stage", "install"])
    assert "lasuite/impress-backend:v5.5.0" in said.stdout
    assert "lasuite/impress-backend:v5.4.1" not in said.stdout
    assert "keycloak" not in said.stdout.partition("\n")[2]


def test_what_can_not_be_run_can_not_be_planned(cli: CliRunner) -> None:
    said = cli.invoke(cc_ci, ["run", "nobody-knows-it", "--dry-run"])
    assert "recipe nobody-knows-it: not known; there is custom-html, keycloak" in str(said.exception)
