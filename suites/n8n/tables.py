"""n8n's data tables, as its editor talks to them: columns of several types, and rows."""

import workflows as n8n

COLUMNS = {"kind": "string", "text": "string", "number": "number", "yes": "boolean"}


def add(http, *, name, rows):
    columns = [{"name": column, "type": kind} for column, kind in COLUMNS.items()]
    table = n8n.call(http, "POST", home(http), json={"name": name, "columns": columns})
    n8n.call(http, "POST", f"{home(http)}/{table['id']}/insert", json={"data": rows})


def rows_of(http, name):
    """The rows in the order in which they came; None if there is no such table."""
    table = find(http, name)
    if table is None:
        return None
    found = n8n.call(http, "GET", f"{home(http)}/{table['id']}/rows", params={"take": 100})["data"]
    return [
        {column: row.get(column) for column in COLUMNS} for row in sorted(found, key=lambda row: row["id"])
    ]


def remove(http, name):
    if table := find(http, name):
        n8n.call(http, "DELETE", f"{home(http)}/{table['id']}")


def find(http, name):
    listed = n8n.call(http, "GET", home(http), params={"take": 100})["data"]
    return next((table for table in listed if table["name"] == name), None)


def home(http):
    """Tables belong to a project: that of the owner."""
    return f"/projects/{n8n.call(http, 'GET', '/projects/personal')['id']}/data-tables"
