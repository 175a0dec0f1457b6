"""The place in a file that a message names."""

import re

PLACE = re.compile(r"(?<![\w./-])((?:[\w-][\w.-]*/)*[\w.-]*[\w-]\.(?:ya?ml|sh|toml|py|tmpl|sample)):(\d+)")


def place_in(message: str) -> tuple[str, int] | None:
    """File and line, such as compose.yml and 31; the first that the message names."""
    found = PLACE.search(message)
    return (found[1], int(found[2])) if found else None
