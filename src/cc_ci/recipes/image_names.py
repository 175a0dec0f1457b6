"""References to images, as docker reads them: registry, path, tag, digest. Pure.

The grammar is that of github.com/distribution/reference.
"""

import re

PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
HOST = rf"(?:{LABEL}(?:\.{LABEL})*|\[[0-9a-fA-F:]+\])"
REFERENCE = re.compile(
    rf"(?P<name>(?:{HOST}(?::[0-9]+)?/)?{PART}(?:/{PART})*)"
    r"(?::[\w][\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,128})?",
    re.ASCII,
)
LONGEST_NAME = 255
LONGEST = 600
"""Characters of a name, a tag and a digest; longer texts are not looked at."""


def is_image(reference: str) -> bool:
    """Whether docker takes the text for an image; capital letters are for its registry and tag alone."""
    match = REFERENCE.fullmatch(reference) if len(reference) <= LONGEST else None
    return match is not None and len(match["name"]) <= LONGEST_NAME
