"""Print the tables of documents in the terminal."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cc_ci.perf.documents.tables import Table


def tell_tables(tables: "Iterable[Table]") -> None:
    from cc_ci.report.tables import console, plain_table

    out = console(sys.stdout)
    for table in tables:
        out.print(f"\n{table.title}", style="bold")
        out.print(plain_table(table.head, table.rows, words=table.words))
