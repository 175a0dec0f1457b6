"""A digest of all that a shared Keycloak's database holds and no run owns; pure.

The whole database is looked at, but for sessions, so that no way to change the provider has to be thought of
before. What belongs to a run is found from its realm: its rows, and rows that name one of those.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

RUN_REALM = re.compile(r"run-[0-9a-f]{8}")
"""The realms that runs are given; see `known.planned`."""
STANDS_FOR_REALM = re.compile(rf"{RUN_REALM.pattern}-realm")
"""The client by which the realm `master` looks after another realm."""
PASSING = (
    "admin_event_entity", "databasechangeloglock", "event_entity", "jgroups_ping", "offline_client_session",
    "offline_user_session", "revoked_token",
)  # fmt: skip
"""Sessions and what is told of them: using a provider changes these."""
ROWS = f"""
select format('select %L, row_to_json(t) from %I t', tablename, tablename) from pg_tables
where schemaname = 'public' and tablename not in ({", ".join(f"'{name}'" for name in PASSING)})
order by tablename \\gexec
"""  # noqa: S608 - words of our own
"""For psql: a line for each row, its table, a bar, and the row as JSON."""
COUNTER = "JGROUPS_ADDRESS_SEQUENCE"
"""The one setting of a server that each of its starts changes."""
DECIDING = ("child_role", "role_id")
"""Columns of links between roles and others. A run's role in a role of everybody's is how Keycloak makes its
administrators; everybody's role in one of a run's would make an administrator of all."""


class TableRow(NamedTuple):
    table: str
    values: Mapping[str, Any]


def read(lines: str) -> list[TableRow]:
    """The rows as psql printed them. Raises ValueError for what is none."""
    return [_row(line) for line in lines.splitlines() if line]


def _row(line: str) -> TableRow:
    table, bar, values = line.partition("|")
    if not bar:
        raise ValueError(f"{line[:60]!r} is no row")
    try:
        return TableRow(table, msgspec.json.decode(values, type=dict[str, Any]))
    except msgspec.MsgspecError as error:
        raise ValueError(f"table {table}: {error}") from error


def digest(rows: Sequence[TableRow]) -> str:
    """Of the rows that no run owns, in whatever order they come."""
    kept = (row for row in unowned(rows) if row.values.get("server_config_key") != COUNTER)
    lines = sorted(f"{row.table}|{msgspec.json.encode(row.values, order='sorted')!r}" for row in kept)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def unowned(rows: Iterable[TableRow]) -> list[TableRow]:
    left, owned = list(rows), set[str]()
    while True:
        mine: list[TableRow] = []
        others: list[TableRow] = []
        for row in left:
            (mine if _is_owned(row, owned) else others).append(row)
        if not mine:
            return left
        owned |= {str(row.values["id"]) for row in mine if "id" in row.values}
        left = others


def _is_owned(row: TableRow, owned: set[str]) -> bool:
    values = row.values
    if row.table == "realm":
        return RUN_REALM.fullmatch(str(values.get("name"))) is not None
    if row.table == "client" and STANDS_FOR_REALM.fullmatch(str(values.get("client_id"))):
        return True
    decides = next((values[name] for name in DECIDING if name in values), None)
    if decides is not None:
        return decides in owned
    return any(value in owned for value in _texts(values))


def _texts(values: Mapping[str, Any]) -> Iterator[str]:
    return (value for value in values.values() if isinstance(value, str))
