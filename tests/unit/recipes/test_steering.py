"""Control characters in a recipe: refused where they come in, for what is shown of it moves no terminal."""

from pathlib import Path

import pytest
from policy_recipe import judged, write

from cc_ci.recipes.configuring import configure
from cc_ci.recipes.faults import RecipeError
from cc_ci.recipes.linting.lint import lint
from cc_ci.recipes.recipe import read_recipe

SIGNS = ("\\e[2J", "\\a", "\\x9b2J", "\\u202e", "\\u2066", "\\u2028")
PLACES = (
    'environment: {A: "x%s"}',
    '"x%s": 1',
    'cap_add: ["A%s"]',
    'healthcheck: {test: ["CMD", "true%s"]}',
    'labels: {"a%s": b}',
    'extra_hosts: ["a%s:host-gateway"]',
)


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.attack(
    what="A key or value of a compose file has characters that clear the terminal or reverse a line.",
    before="Messages of run, lint and trust contained them unchanged, and manipulated the reader's terminal.",
    now="The recipe fails with file, line and key, and the message gives the character's number.",
    layer="input",
)
def test_a_compose_file_steers_no_terminal(tmp_path: Path, place: str, sign: str) -> None:
    root = write(tmp_path / "poc", service=place % sign)
    with pytest.raises(RecipeError, match=r"compose\.yml:\d+: .*holds the control character U\+") as caught:
        judged(root)
    assert str(caught.value).isprintable()


@pytest.mark.attack(
    what="A value of .env.sample brings such characters into the compose files.",
    before="Messages contained them unchanged.",
    now="The recipe fails at the key that would have contained them.",
    layer="input",
)
def test_a_variable_brings_none_in(tmp_path: Path) -> None:
    root = write(tmp_path / "poc", service="hostname: ${NAME}", env="NAME=x\x1b[2J\n")
    with pytest.raises(RecipeError, match=r"compose\.yml:14: services\.app\.hostname: holds .* U\+001B"):
        configure(read_recipe(root), domain="poc.ci.test")


@pytest.mark.attack(
    what="A label's name continues in a second line, which looks like a message from cc-ci.",
    before="The message contained the second line.",
    now="A message is one line, with an escape sequence instead of the line break.",
    layer="input",
)
def test_a_message_of_a_label_is_one_line(tmp_path: Path) -> None:
    root = write(tmp_path / "poc", labels="cc-ci.x\\nall is well: green=1")
    (refusal,) = judged(root).refusals
    assert "cc-ci.x\\nall is well: green" in refusal.line
    assert refusal.line.isprintable()
    assert all(one.message.isprintable() for one in lint(read_recipe(root)).findings)


def test_lines_and_tabs_of_a_script_are_no_fault(tmp_path: Path) -> None:
    root = write(tmp_path / "poc", service='command: ["sh", "-c", "a\\n\\tb"]')
    assert judged(root).refusals == ()
