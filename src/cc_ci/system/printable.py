"""Text of recipes, apps and suites, made fit for a terminal and for XML."""

import re

UNFIT = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # what moves or colours a terminal: ECMA-48, section 5.4
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"  # control characters but tab and line feed
    r"|[\ud800-\udfff\ufffe\uffff]"  # no characters at all: XML 1.0, section 2.2
)

STEERING = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""What moves a terminal, or turns the direction of a line; no setting of any app needs it."""


def steering(text: str) -> str | None:
    """The first character that would steer a terminal, as U+001B; None where there is none."""
    match = STEERING.search(text)
    return f"U+{ord(match[0]):04X}" if match else None


def printable(text: str) -> str:
    """The text without what would steer a terminal or break XML; a carriage return ends a line."""
    return UNFIT.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str, *, most: int = 1000) -> str:
    """The text with escapes for all that would end its line, steer a terminal or turn its direction."""
    shown = text if len(text) <= most else f"{text[: most - 3]}..."
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in shown)


def quoted(text: str, *, most: int = 80) -> str:
    """A value as messages show it: in quotes, in one line, and no longer than fits one."""
    return one_line(repr(text if len(text) <= most else f"{text[: most - 3]}..."))
