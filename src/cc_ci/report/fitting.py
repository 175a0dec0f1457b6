"""Tables that fit a narrow terminal: columns go, and words are never broken."""

from collections.abc import Sequence

import msgspec
from rich.table import Table
from rich.text import Text

GAP = 2
"""Spaces between two columns."""
LEAST_FOLDED = 24
"""The width that a column which may be folded has at least, unless its text is shorter."""


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column; the higher its `rank`, the sooner it goes. 0 stays whatever the width."""

    name: str
    rank: int = 0
    number: bool = False
    fold: bool = False
    """Its text may go on in the next line; for the last column."""


def fitted_table(columns: Sequence[Column], rows: Sequence[Sequence[str | Text]], *, width: int) -> Table:
    """The table, without the columns that `width` has no room for."""
    kept = kept_columns(columns, rows, width=width)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, GAP, 0, 0))
    for at in kept:
        column = columns[at]
        table.add_column(
            column.name,
            justify="right" if column.number else "left",
            no_wrap=not column.fold,
            overflow="fold" if column.fold else "ignore",
        )
    for row in rows:
        table.add_row(*(row[at] for at in kept))
    return table


def kept_columns(columns: Sequence[Column], rows: Sequence[Sequence[str | Text]], *, width: int) -> list[int]:
    """The places of the columns that stay: those of the highest rank go first."""
    widths = [_width(at, column, rows) for at, column in enumerate(columns)]
    kept = list(range(len(columns)))
    while sum(widths[at] + GAP for at in kept) - GAP > width:
        ranked = [at for at in kept if columns[at].rank]
        if not ranked:
            break
        kept.remove(max(ranked, key=lambda at: columns[at].rank))
    return kept


def _width(at: int, column: Column, rows: Sequence[Sequence[str | Text]]) -> int:
    """Of a column that may be folded, that of its longest word."""
    cells = [column.name, *(str(row[at]) for row in rows)]
    whole = max(Text(cell).cell_len for cell in cells)
    if not column.fold:
        return whole
    longest_word = max((Text(word).cell_len for cell in cells for word in cell.split()), default=0)
    return max(longest_word, min(whole, LEAST_FOLDED))
