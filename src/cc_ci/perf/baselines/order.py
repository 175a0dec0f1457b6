"""In which order cells are measured: round by round, so that a machine that drifts is no cell's fault."""

from collections.abc import Iterator, Sequence

import msgspec

from cc_ci.levers.arms import DEFAULT_PROFILE
from cc_ci.results.measured import Cell


def interleaved(
    recipes: Sequence[str],
    *,
    cold: int,
    warm: int,
    arms: Sequence[str] = (DEFAULT_PROFILE,),
    beside: str | None = None,
    engines: Sequence[str] = ("",),
) -> tuple[Cell, ...]:
    """Every recipe `cold` and `warm` times, in rounds of all cells, every second round backwards.

    Two arms are side by side in each round, so that they are pairs in the order ABBA; `beside` is one
    more that is measured after, or before, each warm run only. Several `engines` are side by side, too.

    The state with fewer runs is spread evenly over the rounds.
    """
    rounds = max(cold, warm)
    return tuple(
        msgspec.structs.replace(cell, engine=engine)
        for number in range(rounds)
        for cell in list(_round(number, recipes, rounds, cold=cold, warm=warm, arms=arms, beside=beside))[
            :: -1 if number % 2 else 1
        ]
        for engine in engines[:: -1 if number % 2 else 1]
    )


def _round(
    number: int,
    recipes: Sequence[str],
    rounds: int,
    *,
    cold: int,
    warm: int,
    arms: Sequence[str],
    beside: str | None,
) -> Iterator[Cell]:
    for recipe in recipes:
        if _due(number, of=rounds, times=cold):
            yield from (Cell(recipe=recipe, cache="cold", arm=arm) for arm in arms)
        if _due(number, of=rounds, times=warm):
            every = (*arms, *([beside] if beside else []))
            yield from (Cell(recipe=recipe, cache="warm", arm=arm) for arm in every)


def _due(number: int, *, of: int, times: int) -> bool:
    """Whether one of `times` turns, spread evenly over `of` rounds, falls into this round."""
    return (number + 1) * times // of > number * times // of
