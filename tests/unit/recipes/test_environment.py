"""`.env.sample` and abra.sh: ordered evaluation, modifiers, and nothing is ever run."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc_ci.recipes.abra_sh import read_script
from cc_ci.recipes.configuring import app_env
from cc_ci.recipes.env_sample import evaluate, read_assignments
from cc_ci.recipes.faults import RecipeError
from cc_ci.recipes.recipe import read_recipe


def evaluated(text: str, **overrides: str) -> dict[str, str]:
    return evaluate(read_assignments(text), overrides)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("K=v", "v"),
        ("K = v", "v"),
        ("export K=v", "v"),
        ("K=a b # note", "a b"),
        ("K=a#b", "a#b"),
        ("K=#note", ""),
        ("K='a # b' # note", "a # b"),
        ('K="a # b"#note', "a # b"),
        ("K='$A'", "$A"),
        ('K="$A-${A}-${N:-d}-${N-e}-$N"', "1-1-d-e-"),
        ("K=$$A", "$A"),
        (r'K="\$A \"q\""', '$A "q"'),
        ('K="two\nlines"', "two\nlines"),
        ("K=', `www.x.org`'", ", `www.x.org`"),
        ("K=", ""),
    ],
)
def test_a_line_is_read_as_people_mean_it(line: str, value: str) -> None:
    assert evaluated(f"A=1\n{line}\n")["K"] == value


@given(st.lists(st.from_regex(r"compose\.[a-z]{1,8}\.yml", fullmatch=True), max_size=6))
def test_compose_file_accumulates_in_order(names: list[str]) -> None:
    lines = ["COMPOSE_FILE=compose.yml", *(f'COMPOSE_FILE="$COMPOSE_FILE:{name}"' for name in names)]
    assert evaluated("\n".join(lines))["COMPOSE_FILE"].split(":") == ["compose.yml", *names]


PLAIN = st.text(
    st.characters(codec="ascii", exclude_characters="'\\\n\r\"$\x0b\x0c\x1c\x1d\x1e\x85"), max_size=20
)


@given(PLAIN)
def test_what_is_in_single_quotes_comes_back_as_it_is(value: str) -> None:
    assert evaluated(f"K='{value}'  # length=3")["K"] == value


@given(st.dictionaries(st.from_regex(r"[A-Z]{1,5}", fullmatch=True), PLAIN.filter(str.strip), max_size=5))
def test_overrides_win_over_every_line(values: dict[str, str]) -> None:
    text = "".join(f"{key}=sample\n{key}=again\n" for key in values)
    assert evaluated(text, **values) == values


def test_lines_that_are_off_are_known_and_not_set() -> None:
    assignments = read_assignments("#A=1\n# B=2\n## C=3\n# some words = no key\nD=4 # length=9 charset=hex\n")
    assert [(one.key, one.off) for one in assignments] == [("A", True), ("B", True), ("D", False)]
    assert assignments[-1].modifiers == {"length": "9", "charset": "hex"}


@pytest.mark.parametrize(
    ("text", "said"),
    [("A=1\nnonsense\n", ".env.sample:2: 'nonsense'"), ("A='x\n", ".env.sample:1: A: its quote")],
)
def test_a_line_that_is_none_is_named(text: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        read_assignments(text)


def test_exports_are_read_and_functions_are_not_run() -> None:
    script = read_script(
        "export A=v1 B=\"v2\"\nexport C='$A' # note\nexport D=$A\n"
        "backup() {\n  export E=no\n}\nfunction restore {\n  touch /nowhere/x\n}\nexport F=v6\n"
    )
    assert script.exports == {"A": "v1", "B": "v2", "C": "$A", "D": "v1", "F": "v6"}
    assert script.functions == ("backup", "restore")


def test_an_export_of_a_function_is_none_of_ours_wherever_its_brace_is() -> None:
    script = read_script("dump()\n{\n  export PASSWORD=$(cat /run/secrets/db)\n}\nexport V=v1\n")
    assert (script.exports, script.functions) == ({"V": "v1"}, ("dump",))


def test_an_export_that_needs_a_shell_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"abra.sh:2: A: \"\$\(date\)\" needs a shell"):
        read_script('\nexport A="$(date)"\n')


def test_a_name_that_is_a_path_is_refused(tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text("services: {app: {image: x:1}}\n")
    (tmp_path / ".env.sample").write_text("A=1\nTYPE=../wiki:1.0.0\n")
    with pytest.raises(RecipeError, match=r".env.sample:2: TYPE: '../wiki' is no recipe's name"):
        read_recipe(tmp_path)


def test_exports_come_over_the_sample_and_the_example_domain_is_ours(tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text("services: {app: {image: x:1}}\n")
    (tmp_path / ".env.sample").write_text(
        "TYPE=wiki:1.0.0\nDOMAIN=wiki.example.com\nURL=https://wiki.example.com\nV=v1\n"
    )
    (tmp_path / "abra.sh").write_text("export V=v2\n")
    recipe = read_recipe(tmp_path)
    env = app_env(recipe, domain="w.ci.test", overrides={})
    assert (recipe.name, env["DOMAIN"], env["URL"], env["V"]) == (
        "wiki",
        "w.ci.test",
        "https://w.ci.test",
        "v2",
    )
