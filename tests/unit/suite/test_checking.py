from pathlib import Path

import pytest
from small_recipe import app, recipe

from cc_ci.lab.sources import lab_folder
from cc_ci.recipes.recipe import read_recipe
from cc_ci.suite.checking import faults, faults_with
from cc_ci.suite.facts import Suite, read_suite
from cc_ci.suite.ways import ways

TEST = "def test_it(http):\n    assert http\n"
SEED = """\
def write(app, http, key, value): ...
def read(app, http, key): ...
def delete(app, http, key): ...
"""


def suite(tmp_path: Path, facts: str = "", **code: str) -> Suite:
    folder = tmp_path / "suites" / "small"
    folder.mkdir(parents=True)
    (folder / "suite.toml").write_text(f'recipe = "small"\n{facts}')
    for name, text in code.items():
        (folder / f"{name}.py").write_text(text)
    return read_suite(folder)


def test_a_whole_suite_has_no_faults(tmp_path: Path) -> None:
    assert faults(suite(tmp_path, 'seeds = "seed.py"', test_it=TEST, seed=SEED)) == ()


def test_tests_in_a_class_are_tests(tmp_path: Path) -> None:
    assert faults(suite(tmp_path, test_it="class TestIt:\n    def test_it(self): ...\n")) == ()


@pytest.mark.parametrize(
    ("facts", "code", "said"),
    [
        ("", {"test_it": "def test_it(:\n"}, "test_it.py:1: invalid syntax"),
        ("", {"test_it": "def check(): ...\n"}, "test_it.py: has no test"),
        ("", {"conftest": "\n\nx = (\n"}, "conftest.py:3: '(' was never closed"),
        ('seeds = "seed.py"', {"seed": SEED.replace("delete", "remove")}, "seed.py: has no function delete"),
        (
            'seeds = "seed.py"',
            {"seed": SEED.replace("key, value", "key")},
            "seed.py:1: write takes 3 arguments instead of 4",
        ),
        ('needs = ["keycloak"]', {"test_it": TEST}, "suite.toml: needs: no test_sso*.py signs on with it"),
    ],
)
def test_what_can_not_work_is_one_line_with_its_place(
    tmp_path: Path, facts: str, code: dict[str, str], said: str
) -> None:
    read = suite(tmp_path, facts, **code)
    assert faults(read) == (f"{read.folder}/{said}",)


def test_what_the_recipe_does_not_have_is_named(tmp_path: Path) -> None:
    facts = """
secrets = ["password"]
env = { THEME = "dark" }
wiring = { secrets = { oidc_secret = "{client_secret}" } }
unkept = { cache = "rebuilt at start" }
shown = { token = { to = "users", because = "they copy it" } }
[[readiness]]
name = "cache"
service = "redis"
run = ["redis-cli", "ping"]
"""
    configured, _ = app(recipe(tmp_path / "small", env="LANG=en\n"))
    read = suite(tmp_path, facts)
    found = faults_with(read, ways(read, configured.recipe, domain=configured.domain))
    told = [fault.partition("suite.toml: ")[2] for fault in found]
    assert told == [
        "secrets: the recipe has no 'password'; it has none",
        "wiring.secrets: the recipe has no 'oidc_secret'; it has none",
        "shown: the recipe has no 'token'; it has none",
        "readiness: the recipe has no 'redis'; it has app, db",
        "unkept: the recipe has no 'cache'; it has content",
        "env: the recipe has no 'THEME'; it has DOMAIN, LANG, SITE_VERSION, TYPE",
    ]


MORE = """\
services:
  cache:
    image: redis:7
    secrets: [cache_password]
    volumes: ["cached:/data"]
volumes:
  cached:
secrets:
  cache_password:
    external: true
    name: ${STACK_NAME}_cache_password_${SECRET_CACHE_PASSWORD_VERSION}
"""
NAMED = """
secrets = ["cache_password"]
ends = ["cache"]
unkept = { cached = "made anew at start" }
[[readiness]]
name = "cache"
service = "cache"
run = ["redis-cli", "ping"]
"""
SWITCHED_ON = """
[variants.cached]
compose_files = ["compose.yml", "compose.cache.yml"]
"""
WIRED = """
[wiring]
secrets = { cache_password = "{client_secret}" }
env = { COMPOSE_FILE = "compose.yml:compose.cache.yml" }
"""
LINES = (
    "secrets: the recipe has no 'cache_password'",
    "readiness: the recipe has no 'cache'",
    "unkept: the recipe has no 'cached'",
    "ends: the recipe has no 'cache'",
)


@pytest.mark.parametrize(
    ("facts", "lines"),
    [(NAMED, LINES), (NAMED + SWITCHED_ON, ()), ('needs = ["keycloak"]' + NAMED + WIRED, ())],
    ids=["nowhere", "in a variant", "by the wiring"],
)
def test_what_a_variant_or_the_wiring_switches_on_is_there(
    tmp_path: Path, facts: str, lines: tuple[str, ...]
) -> None:
    root = recipe(tmp_path / "small", env="COMPOSE_FILE=compose.yml\nSECRET_CACHE_PASSWORD_VERSION=v1\n")
    (root / "compose.cache.yml").write_text(MORE)
    configured, _ = app(root)
    read = suite(tmp_path, facts)
    found = faults_with(read, ways(read, configured.recipe, domain=configured.domain))
    assert tuple(fault.partition("suite.toml: ")[2].partition(";")[0] for fault in found) == lines


@pytest.mark.parametrize("name", sorted(path.name for path in (lab_folder().parent / "suites").iterdir()))
def test_the_suites_that_ship_name_nothing_that_their_recipes_do_not_have(name: str) -> None:
    read = read_suite(lab_folder().parent / "suites" / name)
    for version in (lab_folder() / "recipes" / name).iterdir():
        deployed = ways(read, read_recipe(version), domain=f"{name}.example.com")
        assert (*faults(read), *faults_with(read, deployed)) == ()
