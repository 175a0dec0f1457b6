"""The page of lint's rules, and the rule about labels of Traefik."""

from pathlib import Path

import pytest

from cc_ci.recipes.app import App
from cc_ci.recipes.configuring import configure
from cc_ci.recipes.linting.findings import RULES
from cc_ci.recipes.linting.page import page
from cc_ci.recipes.linting.routing import KNOWN, known_to_traefik
from cc_ci.recipes.linting.rule_examples import EXAMPLES
from cc_ci.recipes.recipe import read_recipe
from cc_ci.recipes.stack import Stack, read_stack
from cc_ci.testkit.recipes import small_recipe

ROOT = Path(__file__).parents[3]


def test_the_page_is_that_of_the_rules() -> None:
    assert (ROOT / "docs/reference/lint-rules.md").read_text() == page()
    assert EXAMPLES.keys() == RULES.keys()


def labelled(tmp_path: Path, label: str) -> tuple[App, Stack]:
    root = small_recipe(tmp_path)
    compose = root / "compose.yml"
    compose.write_text(
        compose.read_text().replace('        - "backupbot', f'        - "{label}"\n        - "backupbot')
    )
    app = configure(read_recipe(root), domain="small.example.com")
    return app, read_stack(app)


@pytest.mark.parametrize(
    ("label", "meant"),
    [
        ("traefik.http.routers.${STACK_NAME}.entrypoint=web", "entrypoints"),
        ("traefik.http.routers.${STACK_NAME}.middleware=x@file", "middlewares"),
        ("traefik.http.routers.${STACK_NAME}.tls.certresolvers=x", "tls.certresolver"),
        ("traefik.http.services.${STACK_NAME}.loadbalancer.server.prot=80", "loadbalancer.server.port"),
    ],
)
def test_a_label_that_is_nearly_one_of_traefik_s_is_named_with_its_line(
    label: str, meant: str, tmp_path: Path
) -> None:
    (finding,) = known_to_traefik(*labelled(tmp_path, label))
    assert finding.message.endswith(f"Traefik has no such label; did you mean {meant}?")
    assert "${STACK_NAME}" in finding.message
    assert finding.where.startswith("compose.yml:")


@pytest.mark.parametrize(
    "label",
    [
        "traefik.http.routers.x.entryPoints=web",
        "traefik.http.routers.x.tls.domains[1].main=a.example.com",
        "traefik.http.routers.x.somethingquitenew.of.it=1",
        "traefik.http.services.x.loadbalancer.sticky.cookie.name=c",
        "traefik.http.services.x.loadbalancer.healthcheck.headers.accept=text",
        "traefik.http.middlewares.x.headers.customrequestheaders.a=b",
    ],
)
def test_what_traefik_knows_or_may_know_some_day_is_left(label: str, tmp_path: Path) -> None:
    assert list(known_to_traefik(*labelled(tmp_path, label))) == []


def test_no_known_label_is_taken_for_another() -> None:
    assert all(name == name.lower() for names in KNOWN.values() for name in names)
