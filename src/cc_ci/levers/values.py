"""The values that a lever can have, as people write them and as results keep them."""

from typing import NamedTuple

from cc_ci.errors import UsageError
from cc_ci.system.units import Seconds

Value = str | int | float | bool | None
RECIPES_OWN = "recipe"
"""How people write None: whatever the recipe has."""


class Words(NamedTuple):
    """One of a few words."""

    choices: tuple[str, ...]

    def __str__(self) -> str:
        return ", ".join(self.choices)

    def read(self, lever: str, text: str) -> Value:
        if text not in self.choices:
            raise UsageError(f"lever {lever}={text}: no such value; there is {self}")
        return text

    def holds(self, value: Value) -> bool:
        return value in self.choices


class SecondsRange(NamedTuple):
    """Seconds, from `least` to `most`; where the recipe has its own, it may be left to it."""

    least: Seconds
    most: Seconds
    recipes_own: bool = False

    def __str__(self) -> str:
        own = f"{RECIPES_OWN}, or " if self.recipes_own else ""
        return f"{own}{self.least:g} to {self.most:g} s"

    def read(self, lever: str, text: str) -> Value:
        if self.recipes_own and text == RECIPES_OWN:
            return None
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not self.holds(value):
            raise UsageError(f"lever {lever}={text}: no such value; give {self}")
        return value

    def holds(self, value: Value) -> bool:
        if value is None:
            return self.recipes_own
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and self.least <= float(value) <= self.most


class Shares(NamedTuple):
    """A share, from none to all."""

    def __str__(self) -> str:
        return "0 to 1"

    def read(self, lever: str, text: str) -> Value:
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not self.holds(value):
            raise UsageError(f"lever {lever}={text}: no such value; give {self}")
        return value

    def holds(self, value: Value) -> bool:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and 0.0 <= float(value or 0.0) <= 1.0


Values = Words | SecondsRange | Shares


def told(value: Value) -> str:
    """A value as people write it; what is told is read as the same."""
    if value is None:
        return RECIPES_OWN
    if isinstance(value, float) and float(f"{value:g}") == value:
        return f"{value:g}"
    return str(value)
