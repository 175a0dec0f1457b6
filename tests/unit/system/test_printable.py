"""What apps and suites say is fit to be shown."""

import pytest

from cc_ci.system.printable import one_line, printable, quoted


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07", "]0;title"),
        ("a\tb\nc", "a\tb\nc"),
        ("10%\r20%\r\n", "10%\n20%\n"),
        ("\x1b[38:5:1mred", "red"),
        ("a\x00\x85\ufffe\ud800b", "ab"),
        ("é 日本 [redacted] test[/login]", "é 日本 [redacted] test[/login]"),
    ],
)
def test_nothing_steers_a_terminal(said: str, shown: str) -> None:
    assert printable(said) == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("two\nlines", "two\\nlines"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("txt.\u202eexe", "txt.\\u202eexe"),
        ("\udcff", "\\udcff"),
        ("é 日本 [login]", "é 日本 [login]"),
    ],
)
def test_a_message_is_one_line_whatever_it_quotes(said: str, shown: str) -> None:
    assert one_line(said) == shown


def test_a_message_and_a_value_in_it_have_an_end() -> None:
    assert one_line("x" * 5000) == "x" * 997 + "..."
    assert quoted("x" * 5000) == f"'{'x' * 77}...'"
    assert quoted("it's\n") == '"it\'s\\n"'
