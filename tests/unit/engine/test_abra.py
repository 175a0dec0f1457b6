from pathlib import Path

import pytest

from cc_ci.engine import abra_argv
from cc_ci.engine.abra_driver import env_text, generated
from cc_ci.errors import UsageError


def test_chaos_never_comes_with_a_version() -> None:
    for again in (False, True):
        line = abra_argv.deploy("app.test", again=again)
        assert [word for word in line if not word.startswith("-")] == ["abra", "app", "deploy", "app.test"]
        assert ("-f" in line) is again


def test_a_secret_s_value_is_in_no_argument() -> None:
    line = abra_argv.insert_secret("app.test", name="password", version="v1", file=Path("/run/x"))
    assert line[4:8] == ("app.test", "password", "v1", "/run/x")
    assert "-f" in line


def test_commands_run_on_a_terminal_of_their_own_quoted() -> None:
    line = abra_argv.on_a_terminal(("abra", "app", "new", "a recipe", "-D", "x;rm"))
    assert line[:4] == ("script", "--quiet", "--return", "--command")
    assert line[4] == "abra app new 'a recipe' -D 'x;rm'"


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (abra_argv.generate_secrets("app.test"), "app secret generate"),
        (abra_argv.new_app("notes", "app.test"), "app new"),
        (abra_argv.remove_app("app.test"), "app rm"),
        (abra_argv.add_server(), "server add"),
    ],
)
def test_a_command_is_called_by_its_words(line: abra_argv.AbraLine, name: str) -> None:
    assert abra_argv.words(line) == name


@pytest.mark.parametrize(
    ("output", "values"),
    [
        ('[{"name":"db","value":"x"}]', {"db": "x"}),
        (
            'WARN old version\r\n[{"NAME":"db","VALUE":"x"},{"NAME":"key","VALUE":"y"}]\r\n',
            {"db": "x", "key": "y"},
        ),
        ("[]", {}),
        ("nothing to do", {}),
    ],
)
def test_generated_secrets_are_read_off_the_machine_output(output: str, values: dict[str, str]) -> None:
    assert generated(output) == values


def test_env_values_are_taken_as_they_are() -> None:
    assert env_text({"B": "$5 `x`", "A": "it's"}) == "A=\"it's\"\nB='$5 `x`'\n"


def test_a_value_that_no_quotes_can_hold_is_refused() -> None:
    with pytest.raises(UsageError, match=r"A: .*abra's env file can't hold"):
        env_text({"A": "it's $5"})
