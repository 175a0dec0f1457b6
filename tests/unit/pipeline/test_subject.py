"""What a run has to know of all its versions at once."""

from pathlib import Path

import pytest

from cc_ci.pipeline.known import Known
from cc_ci.pipeline.subject import Subject
from cc_ci.recipes.configuring import configure
from cc_ci.recipes.recipe import read_recipe
from cc_ci.recipes.stack import Stack, read_stack
from cc_ci.stages.bench import Candidate
from cc_ci.stages.preparing import configured

OF_2, OF_3 = "Host(`a.test`, `b.test`)", "Host(`a.test`) && PathRegexp(`^/[a-z]+`)"
OF_BOTH = "Host(`a.test`) || Host(`b.test`)"


def stack(root: Path, rule: str) -> Stack:
    root.mkdir()
    (root / ".env.sample").write_text("TYPE=small\nDOMAIN=a.test\n")
    (root / "compose.yml").write_text(
        'version: "3.8"\nservices:\n  app:\n    image: i:1\n    deploy:\n      labels:\n'
        f'        traefik.enable: "true"\n        traefik.http.routers.a.rule: "{rule}"\n'
    )
    return read_stack(configure(read_recipe(root), domain="a.test"))


@pytest.mark.parametrize(
    ("old", "new", "syntax"),
    [
        (OF_BOTH, OF_BOTH, "v3"),
        (OF_2, OF_BOTH, "v2"),
        (OF_BOTH, OF_3, "v3"),
        (OF_2, OF_3, "v3"),
        (OF_3, OF_2, "v2"),
    ],
)
def test_the_run_s_proxy_reads_the_rules_of_all_versions_or_of_the_new_one(
    tmp_path: Path, old: str, new: str, syntax: str
) -> None:
    stacks = {"old": stack(tmp_path / "old", old), "new": stack(tmp_path / "new", new)}
    subject = Subject(name="small", candidates={}, apps={}, stacks=stacks, dirty=None)  # type: ignore[arg-type]
    assert subject.rule_syntax == syntax


COMPOSE = """
version: "3.8"
services:
  app:
    image: i:1
    environment:
      - DOMAIN
    volumes:
      - content:/data
volumes:
  content:
"""


def known(root: Path, compose: str) -> Known:
    root.mkdir()
    (root / ".env.sample").write_text("TYPE=small\nDOMAIN=a.test\n")
    (root / "compose.yml").write_text(compose)
    candidate = Candidate(label="1", recipe=read_recipe(root))
    app = configured(candidate, domain="app.example.test")
    return Subject(
        name="small",
        candidates={"new": candidate},
        apps={"new": app},
        stacks={"new": read_stack(app)},
        dirty=None,
    ).known


def test_a_recipe_that_tells_its_app_nothing_of_its_stack_may_have_two_at_once(tmp_path: Path) -> None:
    found = known(tmp_path / "small", COMPOSE)
    assert (found.tied, found.fixed_names) == (None, ())


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("environment:\n      - DB_HOST=${STACK_NAME}_db", "environment"),
        ("command: serve --name ${STACK_NAME}\n    environment:\n      - DOMAIN", "command"),
    ],
)
def test_where_an_app_learns_its_stacks_name_is_told(tmp_path: Path, line: str, key: str) -> None:
    """Such a name may get into the data: a restore under another one would not be the operator's."""
    compose = COMPOSE.replace("environment:\n      - DOMAIN", line)
    tied = known(tmp_path / "small", compose).tied
    assert tied is not None
    assert tied.startswith("compose.yml:")
    assert tied.endswith(f": services.app.{key}")


def test_a_name_that_two_apps_would_both_take_is_told_with_its_place(tmp_path: Path) -> None:
    compose = COMPOSE.replace("  content:\n", "  content:\n    name: shared\n")
    (fixed,) = known(tmp_path / "small", compose).fixed_names
    assert fixed.startswith("compose.yml:")
    assert fixed.endswith(": volumes.content.name: volume shared")
