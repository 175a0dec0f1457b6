"""Versions, secrets, routes, backups and lint of whole recipes."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from cc_ci.cli.recipe import recipe as command
from cc_ci.errors import StageFailed, UsageError
from cc_ci.recipes.app import App
from cc_ci.recipes.backup_labels import backup_plan
from cc_ci.recipes.configuring import configure
from cc_ci.recipes.faults import RecipeError
from cc_ci.recipes.recipe import read_recipe
from cc_ci.recipes.routes import routes
from cc_ci.recipes.secrets import SecretSpec, generate_secret
from cc_ci.recipes.stack import read_stack
from cc_ci.recipes.versions import parse_version, published_versions
from cc_ci.system.git import commit_id, export_tree, is_dirty, list_tags
from cc_ci.system.process import LocalRunner

RECIPES = Path(__file__).parents[2] / "recipes"


def app(name: str) -> App:
    return configure(read_recipe(RECIPES / name), domain="x.ci.test")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "keycloak"
    shutil.copytree(RECIPES / "keycloak", root)
    git(root, "init", "-q")
    for tag, options in (
        ("9.0.0+25.0.1", ["-a", "-m", "x"]),
        ("v9.1.0+25.0.10", []),
        ("9.1.0+25.0.9", ["-a", "-m", "x"]),
        ("odd", []),
    ):
        (root / "note").write_text(tag)
        git(root, "add", "-A")
        git(root, "commit", "-q", "-m", tag)
        git(root, "tag", *options, tag)
    return root


def git(root: Path, *arguments: str) -> None:
    who = ["-c", "user.name=x", "-c", "user.email=x@localhost", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", root, *who, *arguments], check=True, capture_output=True)


def test_published_versions_are_sorted_by_their_left_part_then_upstream(repository: Path) -> None:
    found = published_versions(repository)
    assert [one.tag for one in found] == ["9.0.0+25.0.1", "9.1.0+25.0.9", "v9.1.0+25.0.10"]
    assert [one.annotated for one in found] == [True, True, False]


def test_a_tag_is_laid_out_as_it_was(repository: Path, tmp_path: Path) -> None:
    runner = LocalRunner()
    export_tree(repository, "9.0.0+25.0.1", tmp_path / "old", runner=runner)
    assert (tmp_path / "old" / "note").read_text() == "9.0.0+25.0.1"
    assert read_recipe(tmp_path / "old").name == "keycloak"
    with pytest.raises(UsageError, match=r"8.0.0: no such tag"):
        export_tree(repository, "8.0.0", tmp_path / "older", runner=runner)


def test_a_tag_with_a_link_out_of_its_tree_is_the_recipes_fault(repository: Path, tmp_path: Path) -> None:
    (repository / "link").symlink_to("/etc/passwd")
    git(repository, "add", "link")
    git(repository, "commit", "-qm", "link")
    with pytest.raises(StageFailed, match=r"HEAD: .*link"):
        export_tree(repository, "HEAD", tmp_path / "out", runner=LocalRunner())


def test_a_repository_is_dirty_once_a_file_differs(repository: Path) -> None:
    runner = LocalRunner()
    assert not is_dirty(repository, runner=runner)
    (repository / "note").write_text("changed")
    assert is_dirty(repository, runner=runner)


def test_a_folder_inside_of_another_repository_is_none(repository: Path) -> None:
    inner = repository / "inner"
    inner.mkdir()
    assert list_tags(inner, runner=LocalRunner()) == ()
    assert commit_id(inner, runner=LocalRunner()) is None


@pytest.mark.parametrize("text", ["", "latest", "x1.0.0", "1.0.0 or so"])
def test_what_is_no_version_is_none(text: str) -> None:
    assert parse_version(text) is None


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("0.9.9", "0.10.0"),
        ("1.0", "1.0.1"),
        ("1.0.0-rc1+2", "1.0.0+1"),
        ("v1.0.0+1.9", "1.0.0+1.10"),
        ("1.0.0", "1.0.0+1"),
    ],
)
def test_versions_have_an_order(older: str, newer: str) -> None:
    one, two = parse_version(older), parse_version(newer)
    assert one
    assert two
    assert one < two


@pytest.mark.parametrize(
    ("name", "version", "timeout"),
    [
        ("keycloak", "10.1.0+26.0.7", 900),
        ("wordpress", "v2.17.0", 300),
        ("chat", "4.0.0+v1.120.2", 300),
        ("notes-2021", "0.9.1-e5f6a7b8", 300),
        ("bare", None, 300),
    ],
)
def test_the_version_is_found_wherever_recipes_put_it(name: str, version: str | None, timeout: float) -> None:
    assert (app(name).version, app(name).timeout) == (version, timeout)


def test_secrets_come_with_the_modifiers_of_their_lines() -> None:
    assert app("keycloak").secrets == (
        SecretSpec(
            name="admin_password",
            swarm_name="x_ci_test_admin_password_v2",
            length=64,
            charset="default,safespecial",
        ),
        SecretSpec(name="db_password", swarm_name="x_ci_test_db_password_v1"),
        SecretSpec(name="db_root_password", swarm_name="x_ci_test_db_root_password_v1", length=20),
    )


@pytest.mark.parametrize(("charset", "allowed"), [("hex", "0123456789abcdef"), ("digits", "0123456789")])
def test_a_secret_is_of_its_length_and_charset(charset: str, allowed: str) -> None:
    spec = SecretSpec(name="a", swarm_name="b", length=64, charset=charset)
    assert len(generate_secret(spec)) == 64
    assert set(generate_secret(spec)) <= set(allowed)
    assert generate_secret(spec) != generate_secret(spec)


def test_a_secret_without_version_is_named(tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text(
        "services: {app: {image: x:1, secrets: [key]}}\n"
        "secrets:\n  key:\n    external: true\n    name: ${STACK_NAME}_key_${SECRET_KEY_VERSION}\n"
    )
    with pytest.raises(
        RecipeError, match=r"compose.yml:5: secrets.key.name: .*SECRET_KEY_VERSION is not set"
    ):
        configure(read_recipe(tmp_path), domain="x.ci.test")


def test_routes_are_those_of_the_labels() -> None:
    (route,) = routes(read_stack(app("keycloak")))
    assert (route.hosts, route.entrypoints, route.certresolver, route.port) == (
        ("x.ci.test",),
        ("web-secure",),
        "production",
        8080,
    )


def test_a_backup_plan_names_paths_hooks_and_what_is_left_out() -> None:
    plan = backup_plan(read_stack(app("chat")))
    assert [(one.volume, one.name, one.paths) for one in plan.volumes] == [
        ("postgres", "x_ci_test_postgres", ("backup.sql",))
    ]
    assert [(one.service, one.backup_pre, one.restore_post) for one in plan.services] == [
        ("db", "/pg_backup.sh backup", "/pg_backup.sh restore")
    ]
    assert plan.uncovered == ("data",)


def test_a_variant_that_is_not_there_is_the_callers_mistake() -> None:
    with pytest.raises(
        UsageError, match=r"compose.none.yml: wordpress has no such compose file; there are compose.yml"
    ):
        configure(read_recipe(RECIPES / "wordpress"), domain="x.ci.test", variant=["compose.none.yml"])


@pytest.mark.parametrize("name", ["keycloak", "wordpress", "chat", "anchors", "bare"])
def test_inspect_shows_the_same_things_in_both_forms(name: str) -> None:
    seen = json.loads(CliRunner().invoke(command, ["inspect", str(RECIPES / name), "--json"]).output)[
        "recipe"
    ]
    shown = CliRunner().invoke(command, ["inspect", str(RECIPES / name)]).output
    assert {row["service"] for row in seen["services"]} == set(read_stack(app(name)).services)
    assert all(section in shown for section in seen)


def test_where_there_is_no_recipe_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no recipe, it has no compose.yml"):
        read_recipe(tmp_path)
