"""How long measuring will take, before it begins: from the latest times of the same cells. Pure.

What is not known of a cell on this engine is taken from the same one on another; of a cold one from a warm
one, and the other way round. What it rests on is said.
"""

from collections.abc import Iterable, Sequence

import msgspec

from cc_ci.perf.analysis.statistics import median
from cc_ci.results.measured import Cell
from cc_ci.system.units import EpochSeconds, Seconds

LATEST = 8
"""Of so many runs the median."""


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """One green run of the past: `of` is the set or the kind of result it is from."""

    recipe: str
    cache: str | None
    arm: str
    engine: str | None
    """Its version; None where it does not tell."""
    seconds: Seconds
    started: EpochSeconds
    of: str


class ExpectedTime(msgspec.Struct, frozen=True, kw_only=True):
    """`seconds` of the runs that can be estimated; those of `unknown` cells come on top."""

    seconds: Seconds
    rests_on: tuple[str, ...]
    unknown: tuple[str, ...]

    def in_words(self, runs: int) -> str:
        """One line for the story."""
        hours = f"about {self.seconds / 3600:.1f} h"
        more = f", and {', '.join(self.unknown)}, of which no time is known" if self.unknown else ""
        if not self.rests_on:
            return f"{runs} runs to do: nobody has measured any of them here, so the hours are not known"
        return f"{runs} runs to do: {hours} of runs alone{more}; by {'; '.join(self.rests_on)}"


def expected(due: Sequence[Cell], past: Iterable[Past], *, engines: Sequence[str | None]) -> ExpectedTime:
    """`engines` are the versions that the `due` cells are for, one each."""
    known = sorted(past, key=lambda one: -one.started)
    seconds = 0.0
    rests_on: dict[str, None] = {}
    unknown: dict[str, None] = {}
    for cell, engine in zip(due, engines, strict=True):
        found, how = _nearest(cell, engine, known)
        if not found:
            unknown[str(cell)] = None
            continue
        seconds += median(one.seconds for one in found)
        rests_on.setdefault(f"{found[0].of}{how}", None)
    return ExpectedTime(seconds=seconds, rests_on=tuple(rests_on), unknown=tuple(unknown))


def _nearest(cell: Cell, engine: str | None, known: Sequence[Past]) -> tuple[list[Past], str]:
    """The latest runs that are most like it, all of one source, and how they differ."""
    same = [one for one in known if (one.recipe, one.arm) == (cell.recipe, cell.arm)]
    here = [one for one in same if one.engine == engine]
    ways = (
        ("", [one for one in here if one.cache == cell.cache]),
        (", on another engine", [one for one in same if one.cache == cell.cache]),
        (", in another cache state", here),
        (", on another engine and in another cache state", same),
    )
    for how, found in ways:
        if found:
            latest = [one for one in found if one.of == found[0].of][:LATEST]
            return latest, how
    return [], ""
