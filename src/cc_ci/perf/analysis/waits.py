"""What runs waited for on their critical path, and how much of it came when it was true already. Pure."""

from collections.abc import Iterator, Sequence

import msgspec

from cc_ci.levers.registry import lever_named
from cc_ci.perf.analysis.attribution import Times, named, of_provider, rows
from cc_ci.perf.analysis.savings import failed_start, held, waits_for_a_look, watched_update
from cc_ci.perf.analysis.what_if import Place
from cc_ci.results.measured import Measured
from cc_ci.system.units import Seconds
from cc_ci.timing.parts import Part
from cc_ci.timing.span_names import SAID_NO

SIGN = "ready: "
"""Begins the spans of an app's signs, which are looked at one `INTERVAL` after the other."""
INTERVAL = lever_named("readiness.probe_interval").name
ENDED_BY_AN_EVENT = (
    "docker stack deploy",
    "hooks and restic",
    "tasks and networks of the stack to be gone",
    "the end of ",
    "the pull of ",
    "the stop signal to ",
    "the suite's tests",
)
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
    if watched_update(Place.of_part(part)):
        return "the update's monitor to end"
    if part.waits_for is not None:
        return of_provider(part, part.waits_for)
    name = named(part)
    if failed_start(name):
        return f"what {name.partition(':')[0]} needs, to be up"
    return name if held(part.name or "") else None


def _after(name: str, runs: Sequence[Measured]) -> Times | None:
    late = [[_late(part, one) for part in _parts(name, one)] for one in runs]
    if any(seconds is None for one in late for seconds in one):
        return None
    return Times(values=tuple(sum(seconds or 0.0 for seconds in one) for one in late))


def _unsure(name: str, runs: Sequence[Measured]) -> bool:
    """Whether only looks tell when it came true, at times another service's."""
    parts = (part.name or "" for one in runs for part in _parts(name, one))
    return any(waits_for_a_look(part) or failed_start(part) or part.startswith(SIGN) for part in parts)


def _parts(name: str, run: Measured) -> Iterator[Part]:
    return (part for part in run.parts if _waited(part) == name)


def _late(part: Part, run: Measured) -> Seconds | None:
    """The most of a part that came after its condition was true."""
    name = part.name or ""
    if held(name) or waits_for_a_look(name) or failed_start(name) or watched_update(Place.of_part(part)):
        return part.seconds
    if name.startswith(SIGN) and (interval := _interval(run)) is not None:
        return min(part.seconds, part.times * interval)
    ended = name.endswith(SAID_NO) or (part.waits_for or "").startswith(ENDED_BY_AN_EVENT)
    return 0.0 if ended else None


def _interval(run: Measured) -> Seconds | None:
    found = run.result.levers.get(INTERVAL) if run.result else None
    return float(found) if isinstance(found, int | float) else None
