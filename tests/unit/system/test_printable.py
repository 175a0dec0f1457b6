"""What apps and suites say is fit to be shown."""

import pytest

from cc_ci.system.printable import printable


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
