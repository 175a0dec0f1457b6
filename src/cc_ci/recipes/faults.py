"""What is wrong with a recipe, and where: one line that names file, line and key."""

import msgspec

from cc_ci.errors import StageFailed
from cc_ci.system.printable import one_line, steering

Key = tuple[str | int, ...]
"""Where a value is in a file: ("services", "app", "ports", 0)."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a recipe; `file` is relative to its root."""

    file: str
    line: int

    def __str__(self) -> str:
        return one_line(f"{self.file}:{self.line}")


class RecipeError(StageFailed):
    """The recipe can't be understood; the message begins with file and line where there are any."""

    def __init__(self, message: str, *, source: Source | None = None) -> None:
        message = one_line(message)
        super().__init__(f"{source}: {message}" if source else message)
        self.source = source
        self.fault = message


class KeyFault(Exception):  # noqa: N818 - becomes a RecipeError as soon as the file is known
    """A value that can't be understood, by its key; whoever knows the file turns it into a RecipeError."""

    def __init__(self, key: Key, fault: str) -> None:
        super().__init__(fault)
        self.key = key
        self.fault = fault


def dotted(key: Key) -> str:
    return ".".join(str(part) for part in key)


def refuse_steering(text: str, key: Key) -> None:
    """Raise KeyFault for a control character: in a message it would move the terminal of who reads it."""
    if (sign := steering(text)) is not None:
        raise KeyFault(
            key, f"holds the control character {sign}; leave it out, or write it in a file of its own"
        )
