"""The recipe that can't be run here: read, judged and held against its suite."""

from pathlib import Path

import pytest

from cc_ci.lab.sources import lab_folder, repository
from cc_ci.providers.api import SignOn
from cc_ci.recipes.app import App
from cc_ci.recipes.backup_labels import backup_plan
from cc_ci.recipes.configuring import configure
from cc_ci.recipes.linting.lint import lint
from cc_ci.recipes.recipe import read_recipe
from cc_ci.recipes.stack import Stack, read_stack
from cc_ci.recipes.versions import PublishedVersion, version_before
from cc_ci.suite.checking import faults, faults_with
from cc_ci.suite.facts import Suite, read_suite
from cc_ci.suite.ways import ways
from cc_ci.system.process import LocalRunner

NAME = "lasuite-docs"
VERSIONS = ("0.1.0+v5.4.1", "0.2.0+v5.5.0")
SIGN_ON = SignOn(
    provider="keycloak",
    provider_url="https://keyc.ci.test",
    issuer="https://keyc.ci.test/realms/run",
    realm="run",
    client_id="client",
    client_secret="quiet",
    username="member",
    password="word",
    email="member@ci.test",
)


@pytest.fixture(scope="module")
def suite() -> Suite:
    return read_suite(lab_folder().parent / "suites" / NAME)


def deployed(version: str, suite: Suite) -> tuple[App, Stack]:
    env = suite.env_for(None, values={}, sign_on=SIGN_ON)
    app = configure(
        read_recipe(lab_folder() / "recipes" / NAME / version), domain="docs.ci.test", overrides=env
    )
    return app, read_stack(app)


def test_it_is_published_in_two_versions_and_lint_finds_nothing(tmp_path: Path) -> None:
    root = repository(NAME, runner=LocalRunner(), into=tmp_path)
    previous = version_before(root)
    assert isinstance(previous, PublishedVersion)
    assert previous.tag == VERSIONS[0]
    assert [one for one in lint(read_recipe(root)).findings if one.severity != "unchecked"] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_its_suite_names_nothing_that_it_does_not_have(version: str, suite: Suite) -> None:
    app, _ = deployed(version, suite)
    assert app.version == version
    assert faults(suite) == ()
    assert faults_with(suite, ways(suite, app.recipe, domain=app.domain)) == ()


@pytest.mark.parametrize("version", VERSIONS)
def test_all_parts_of_the_backend_are_of_one_release(version: str, suite: Suite) -> None:
    _, stack = deployed(version, suite)
    ours = {one.image.partition(":")[2] for one in stack.services.values() if "lasuite/" in one.image}
    assert ours == {version.partition("+")[2]}
    assert stack.services["backend"].environment.items() - stack.services["celery"].environment.items() == {
        ("WEB_CONCURRENCY", "4")
    }


def test_a_mail_server_with_a_log_in_is_a_variant(suite: Suite) -> None:
    recipe = read_recipe(lab_folder() / "recipes" / NAME / VERSIONS[1])
    app = configure(
        recipe,
        domain="docs.ci.test",
        overrides={"EMAIL_HOST_USER": "docs", "SECRET_MAIL_SECRET_VERSION": "v1"},
        variant=("compose.yml", "compose.mail.yml"),
    )
    stack = read_stack(app)
    assert (
        stack.services["celery"].environment["DJANGO_EMAIL_HOST_PASSWORD_FILE"] == "/run/secrets/mail_secret"
    )
    assert [one.given for one in app.secrets if one.name == "mail_secret"] == [True]


def test_it_is_told_of_its_provider_before_it_is_deployed(suite: Suite) -> None:
    _, stack = deployed(VERSIONS[1], suite)
    told = stack.services["backend"].environment
    assert told["OIDC_RP_CLIENT_ID"] == "client"
    assert told["OIDC_OP_TOKEN_ENDPOINT"] == f"{SIGN_ON.issuer}/protocol/openid-connect/token"
    assert suite.secrets_for(SIGN_ON) == {"oidc_secret": "quiet"}
    assert not any("example.com" in (value or "") for name, value in told.items() if name.startswith("OIDC"))


def test_only_what_matters_is_backed_up(suite: Suite) -> None:
    plan = backup_plan(deployed(VERSIONS[1], suite)[1])
    assert {one.volume: one.paths for one in plan.volumes} == {
        "media": ("docs-media-storage",),
        "postgres": ("backup.sql",),
    }
    assert (plan.uncovered, plan.excluded) == ((), ())
