"""What runs waited for on their critical path, and how much of it came when it was true already. Pure."""

from collections.abc import Iterator, Sequence

import msgspec

from cc_ci.levers.registry import lever_named
from cc_ci.perf.analysis.attribution import Times, named, of_provider, rows
from cc_ci.perf.analysis.savings import (
    failed_start,
    held,
    waits_for_a_look,
    watched_update,
    works_on_provider,
)
from cc_ci.perf.analysis.what_if import PathPlace
from cc_ci.results.measured import Measured
from cc_ci.system.units import Seconds
from cc_ci.timing.actions import DATA, REMOVALS, SAID_NO, STACK_DEPLOY, SUITE
from cc_ci.timing.parts import Part

INTERVAL = lever_named("readiness.probe_interval").name
"""An app's signs are looked at one such time after the other."""
SLACKENING = lever_named("readiness.slackening").name
"""Or that share of the wait so far."""
ENDED_BY_AN_EVENT = REMOVALS | {DATA, SAID_NO, STACK_DEPLOY, SUITE}
"""Waits for a process to exit or for the engine's event, with no looks between: nothing comes after."""


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was waited for; `after` is the part of it that came when it was true already.

    `after` is None where nothing tells; `at_most`: no more is known of it than that it is not longer.
    """

    name: str
    times: Times
    after: Times | None
    at_most: bool = False


def waits(runs: Sequence[Measured]) -> tuple[Wait, ...]:
    """What was waited for on the critical path, the longest first."""
    return tuple(
        Wait(name=row.name, times=row.times, after=_after(row.name, runs), at_most=_unsure(row.name, runs))
        for row in rows(runs, _waited)
        if row.times.median > 0
    )


def _waited(part: Part) -> str | None:
    if watched_update(PathPlace.of_part(part)):
        return "the update's monitor to end"
    if part.waits_for is not None:
        return of_provider(part, part.waits_for)
    if failed_start(part.action) and not works_on_provider(PathPlace.of_part(part)):
        return f"what {part.service} needs, to be up"
    return named(part) if held(part.action) else None


def _after(name: str, runs: Sequence[Measured]) -> Times | None:
    late = [[_late(part, one) for part in _parts(name, one)] for one in runs]
    if any(seconds is None for one in late for seconds in one):
        return None
    return Times(values=tuple(sum(seconds or 0.0 for seconds in one) for one in late))


def _unsure(name: str, runs: Sequence[Measured]) -> bool:
    """Whether only looks tell when it came true, at times another service's."""
    parts = (part for one in runs for part in _parts(name, one))
    return any(
        waits_for_a_look(part.action) or failed_start(part.action) or part.kind == "sign" for part in parts
    )


def _parts(name: str, run: Measured) -> Iterator[Part]:
    return (part for part in run.parts if _waited(part) == name)


def _late(part: Part, run: Measured) -> Seconds | None:
    """The most of a part that came after its condition was true."""
    looks = waits_for_a_look(part.action) or failed_start(part.action)
    if looks or held(part.action) or watched_update(PathPlace.of_part(part)):
        return part.seconds
    if part.kind == "sign" and (interval := _interval(run)) is not None:
        return min(part.seconds, part.times * interval + _slackening(run) * part.seconds)
    return 0.0 if part.kind == "pull" or part.action in ENDED_BY_AN_EVENT else None


def _interval(run: Measured) -> Seconds | None:
    found = run.result.levers.get(INTERVAL) if run.result else None
    return float(found) if isinstance(found, int | float) else None


def _slackening(run: Measured) -> float:
    """Older runs had none."""
    found = run.result.levers.get(SLACKENING) if run.result else None
    return float(found) if isinstance(found, int | float) else 0.0
