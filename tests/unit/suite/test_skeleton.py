import tomllib
from pathlib import Path

import pytest
from small_recipe import COMPOSE, app, recipe

from cc_ci.recipes.stack import Stack
from cc_ci.suite.checking import faults, remarks
from cc_ci.suite.facts import read_suite
from cc_ci.suite.skeleton import files, front

DOMAIN = "small-abc.ci.test"
ROUTED = """\
        - "traefik.http.routers.${STACK_NAME}.rule=Host(`${DOMAIN}`)"
        - "traefik.http.services.${STACK_NAME}.loadbalancer.server.port=5678"
"""


def stack(tmp_path: Path, check: str, *, routed: str = ROUTED) -> Stack:
    compose = COMPOSE.replace('test: ["CMD", "true"]', f"test: {check}")
    compose = compose.replace(
        '        - "traefik.enable=true"\n', f'        - "traefik.enable=true"\n{routed}'
    )
    return app(recipe(tmp_path / "small", compose=compose))[1]


@pytest.mark.parametrize(
    ("check", "path"),
    [
        ('["CMD", "curl", "-f", "http://localhost:5678/healthz"]', "/healthz"),
        ('["CMD-SHELL", "wget -qO- http://127.0.0.1:5678/api/v1/health?full=1 || exit 1"]', "/api/v1/health"),
        ('["CMD", "curl", "-f", "http://localhost:9000/health/ready"]', "/"),
        ('["CMD", "curl", "-f", "http://example.com:5678/healthz"]', "/"),
        ('["CMD", "curl", "-f", "http://localhost:5678"]', "/"),
        ('["CMD", "true"]', "/"),
    ],
)
def test_the_front_is_what_the_health_check_asks_for_at_the_routed_port(
    tmp_path: Path, check: str, path: str
) -> None:
    assert front(stack(tmp_path, check), domain=DOMAIN).path == path


def test_a_recipe_without_a_route_is_asked_for_its_front_page(tmp_path: Path) -> None:
    check = '["CMD", "curl", "http://localhost:5678/healthz"]'
    assert front(stack(tmp_path, check, routed=""), domain=DOMAIN).path == "/"


def test_a_new_suite_is_read_and_has_no_faults(tmp_path: Path) -> None:
    made = files("small", stack(tmp_path, '["CMD", "true"]'), domain=DOMAIN, secrets=("db_password",))
    folder = tmp_path / "suites" / "small"
    folder.mkdir(parents=True)
    for name, text in made.items():
        (folder / name).write_text(text)
    suite = read_suite(folder)
    assert (suite.recipe, suite.probe.status, suite.seeds, suite.secrets) == ("small", "any", None, ())
    assert [(sign.name, sign.service, sign.run) for sign in suite.readiness] == [
        ("db", "db", ("pg_isready", "-h", "127.0.0.1"))
    ]
    assert faults(suite) == ()
    assert len(remarks(suite)) == 2


def test_what_is_left_to_fill_in_is_good_once_its_comment_signs_are_gone(tmp_path: Path) -> None:
    made = files("small", stack(tmp_path, '["CMD", "true"]'), domain=DOMAIN, secrets=("db_password",))
    text = made["suite.toml"].replace("# seeds", "seeds").replace("# secrets", "secrets")
    filled = tomllib.loads(text.replace("# contains", "contains"))
    assert (filled["seeds"], filled["secrets"]) == ("seed.py", ["db_password"])
    assert filled["probe"]["contains"] == "Welcome"
