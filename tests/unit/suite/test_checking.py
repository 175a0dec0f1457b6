from pathlib import Path

import pytest
from small_recipe import app, recipe

from cc_ci.suite.checking import faults, faults_with
from cc_ci.suite.facts import Suite, read_suite

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
[[readiness]]
name = "cache"
service = "redis"
run = ["redis-cli", "ping"]
"""
    configured, stack = app(recipe(tmp_path / "small", env="LANG=en\n"))
    found = faults_with(suite(tmp_path, facts), configured, stack)
    told = [fault.partition("suite.toml: ")[2] for fault in found]
    assert told == [
        "secrets: the recipe has no 'password'; it has none",
        "wiring.secrets: the recipe has no 'oidc_secret'; it has none",
        "readiness: the recipe has no 'redis'; it has app, db",
        "unkept: the recipe has no 'cache'; it has content",
        "env: the recipe has no 'THEME'; it has DOMAIN, LANG, SITE_VERSION, TYPE",
    ]
