"""In which line of a TOML file a key stands: the parser does not keep that. Pure."""

import re

TABLE = re.compile(r"^\s*\[{1,2}([^\]]+)\]")
KEY = re.compile(r"^\s*([\w\"'-]+)\s*=")


def line_of(text: str, name: str, *, table: str = "") -> int:
    """The first line with a key, or a table, called `name` in `table`, which is empty for the top level."""
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := TABLE.match(line):
            above, _, section = header[1].strip().rpartition(".")
            if _bare(section) == name and above in ("", table):
                return number
            section = header[1].strip()
        elif (key := KEY.match(line)) and _bare(key[1]) == name and _within(section, table):
            return number
    return 1


def _bare(name: str) -> str:
    return name.strip().strip("\"'")


def _within(section: str, table: str) -> bool:
    return section == table or (bool(table) and section.startswith(f"{table}."))
