"""What a run has to know of all its versions at once."""

from pathlib import Path

import pytest

from cc_ci.pipeline.subject import Subject
from cc_ci.recipes.configuring import configure
from cc_ci.recipes.recipe import read_recipe
from cc_ci.recipes.stack import Stack, read_stack

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
