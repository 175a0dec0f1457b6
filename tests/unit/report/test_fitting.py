"""Tables at the widths of real terminals."""

import io

import pytest
from rich.console import Console
from rich.text import Text

from cc_ci.report.fitting import Column, fitted_table, kept_columns

COLUMNS = (
    Column(name="run"),
    Column(name="date", rank=1),
    Column(name="profile", rank=2),
    Column(name="verdict"),
    Column(name="reason", fold=True),
)
ROWS = [
    ("custom-html-20261126-004953-168f", "2026-11-26 00:49", "stock", Text("green"), ""),
    ("n8n-20261126-010731-54f3", "2026-11-26 01:07", "stock", Text("failed"), "the app never came up at all"),
]


def printed(width: int) -> list[str]:
    stream = io.StringIO()
    Console(file=stream, width=width).print(fitted_table(COLUMNS, ROWS, width=width))
    return [line.rstrip() for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize("width", [60, 80, 160])
def test_no_line_is_longer_than_the_terminal_and_no_word_is_broken(width: int) -> None:
    lines = printed(width)
    assert max(map(len, lines)) <= width
    words = {word for line in lines for word in line.split()}
    assert {"custom-html-20261126-004953-168f", "green", "failed"} <= words
    assert {"the", "app", "never", "came", "up", "at", "all"} <= words


def test_columns_go_by_their_rank() -> None:
    assert kept_columns(COLUMNS, ROWS, width=160) == [0, 1, 2, 3, 4]
    assert kept_columns(COLUMNS, ROWS, width=90) == [0, 1, 3, 4]
    assert kept_columns(COLUMNS, ROWS, width=60) == [0, 3, 4]
    # those without a rank stay, whatever becomes of the lines
    assert kept_columns(COLUMNS, ROWS, width=10) == [0, 3, 4]


def test_what_is_piped_has_a_row_in_one_line() -> None:
    (head, *rows) = printed(100_000)
    assert head.split() == ["run", "date", "profile", "verdict", "reason"]
    assert len(rows) == len(ROWS)
