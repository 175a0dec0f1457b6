"""A table as a value, for Markdown and for the terminal alike."""

from collections.abc import Sequence

import msgspec


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """`head` names the columns; those in `words` are left aligned, the others are numbers."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: frozenset[int] = frozenset({0})
    note: str = ""


def markdown(table: Table) -> str:
    ruler = ["---" if at in table.words else "---:" for at in range(len(table.head))]
    lines = [_line(table.head), _line(ruler), *(_line(row) for row in table.rows)]
    note = f"\n{table.note}\n" if table.note else ""
    return f"## {table.title}\n\n" + "\n".join(lines) + f"\n{note}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def seconds(value: float | None) -> str:
    """Tenths below a hundred, whole seconds above."""
    if value is None:
        return "-"
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"  # noqa: PLR2004 - as the docstring says


def times(value: float) -> str:
    """How many times as much: hundredths below ten, where they tell a run from its budget."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"  # noqa: PLR2004 - as the docstring says


def share(value: float) -> str:
    return f"{value:.0%}"
