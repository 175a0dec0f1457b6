"""A run that was measured: its result without what is large, and what was seen before and after it.

A set of them is a folder: SET/runs/NNN-RECIPE-CACHE.json, in the order in which they were begun.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from cc_ci.errors import UsageError
from cc_ci.levers.arms import DEFAULT_PROFILE, PLAIN_CONTAINERS, arm_words, is_limit
from cc_ci.results.engines import EngineUsed, engine_of, mixed, short_name
from cc_ci.results.migrations import current
from cc_ci.results.old_names import part_with_kind
from cc_ci.results.schema import Census, RunResult
from cc_ci.system.files import write_atomic
from cc_ci.system.units import Seconds
from cc_ci.timing.actions import JOIN_PROXY, MAKE_REPOSITORY, STOP_CONTAINERS
from cc_ci.timing.parts import Part, parts_of
from cc_ci.timing.spans import Span

RUNS = "runs"
SMALLEST_PART: Seconds = 0.2
KEPT_ACTIONS = frozenset({STOP_CONTAINERS, JOIN_PROXY, MAKE_REPOSITORY})
"""Of those below a run's steps: what the limit takes out of them."""

Cache = Literal["cold", "warm"]


class Cell(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """What is measured again and again: one recipe in one cache state with one arm, as `arm_text` has it.

    `engine` is the name it was asked by, in sets where there are several, else empty.
    """

    recipe: str
    cache: Cache
    arm: str = DEFAULT_PROFILE
    engine: str = ""

    def __str__(self) -> str:
        return " ".join(self.words)

    @property
    def words(self) -> tuple[str, ...]:
        """What tells it from other cells; the default profile goes without saying."""
        engine = [short_name(self.engine)] if self.engine else []
        return (self.recipe, self.cache, *arm_words(self.arm), *engine)

    @property
    def limit(self) -> bool:
        """Whether it is of plain containers."""
        return is_limit(self.arm)


class Canary(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds that fixed pieces of work took, medians: on one CPU, and writing many files.

    `loaded` is on all CPUs and the memory at once; older sets have none of it. `raw` has every count.
    """

    cpu: Seconds
    untar: Seconds
    loaded: Seconds | None = None
    raw: dict[str, tuple[Seconds, ...]] = {}


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt at the run at `place` in the set's order; the first place and attempt are 1.

    `void` is the rule by which it doesn't count, None where it does; it is kept in either case.
    """

    cell: Cell
    place: int
    attempt: int = 1
    code: str | None = None
    """A hash over all of cc-ci, its suites and its recipes that the time may depend on."""
    boot: str | None = None
    """Of the machine it was made on: another boot may be another machine of the same kind."""
    void: str | None = None
    canary_before: Canary | None = None
    canary_after: Canary | None = None
    foreign_cpus: float | None = None
    """CPUs that were kept busy, on average, by what is neither of the node nor of the run."""
    result: RunResult | None = None
    parts: tuple[Part, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether its times are samples: not void, and the run was green."""
        return self.void is None and self.result is not None and self.result.exit_code == 0

    @property
    def name(self) -> str:
        again = "" if self.attempt == 1 else f"-{self.attempt}"
        return f"{self.place:03}-{'-'.join(self.cell.words)}{again}"


def compact(result: RunResult) -> RunResult:
    """The result with the spans of its steps alone, without path, samples and the names of a census.

    Of a run on plain containers what each step used is kept, too: limits are made of it.
    """
    spans = [span for span in result.spans if span.kind == "step" or span.action in KEPT_ACTIONS]
    bare = result.levers.get("deploy.driver") == PLAIN_CONTAINERS
    told = {None, *(span.id for span in spans if span.kind == "step" and bare)}
    phases = result.phases and msgspec.structs.replace(result.phases, path=())
    return msgspec.structs.replace(
        result,
        phases=phases,
        spans=tuple(map(_rounded, spans)),
        resources=tuple(one for one in result.resources if one.span in told),
        samples=(),
        census=Census(leaks=result.census.leaks),
        missing={},
    )


def _rounded(span: Span) -> Span:
    return msgspec.structs.replace(span, start=round(span.start, 3), end=span.end and round(span.end, 3))


def parts(result: RunResult) -> tuple[Part, ...]:
    """The parts of a run's critical path, rounded to milliseconds."""
    if result.phases is None:
        return ()
    found = parts_of(result.phases, result.spans, result.resources, smallest=SMALLEST_PART)
    return tuple(
        msgspec.structs.replace(
            part, seconds=round(part.seconds, 3), use=part.use.rounded() if part.use else None
        )
        for part in found
    )


def write(measured: Measured, folder: Path) -> Path:
    """Write it to its place in the set."""
    path = folder / RUNS / f"{measured.name}.json"
    write_atomic(path, msgspec.json.encode(measured) + b"\n")
    return path


def read_set(folder: Path) -> tuple[Measured, ...]:
    """All attempts of a set, in their order.

    Raises UsageError for a file that is none, and where the runs of a cell had other lever values than each
    other, or another engine: a profile that was changed meanwhile makes another arm.
    """
    found = [_read(path) for path in (folder / RUNS).glob("*.json")]
    _require_one_arm(found, folder)
    _require_one_engine(found, folder)
    return tuple(sorted(found, key=lambda one: (one.place, one.attempt)))


def _require_one_arm(measured: Sequence[Measured], folder: Path) -> None:
    digests: dict[str, set[str]] = {}
    for one in measured:
        if one.counts and one.result:
            digests.setdefault(one.cell.arm, set()).add(one.result.arm.digest)
    if mixed := sorted(
        f"{arm} ({', '.join(sorted(seen))})" for arm, seen in digests.items() if len(seen) > 1
    ):
        raise UsageError(
            f"{folder}: runs of one arm that had other lever values: {mixed[0]}; they are two arms"
        )


def _require_one_engine(measured: Sequence[Measured], folder: Path) -> None:
    seen: dict[str, list[EngineUsed]] = {}
    for one in measured:
        if one.counts and one.result:
            seen.setdefault(one.cell.engine, []).append(engine_of(one.result.environment))
    for engines in seen.values():
        if found := mixed(engines):
            raise UsageError(f"{folder}: runs on two engines, {found}; they are two sets")


def _read(path: Path) -> Measured:
    try:
        raw = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        return msgspec.convert(_present(raw), Measured)
    except (msgspec.MsgspecError, UnicodeDecodeError, UsageError) as error:
        raise UsageError(f"{path}: not a measured run ({error}); restore it from its repository") from error


def _present(raw: dict[str, Any]) -> dict[str, Any]:
    """A measured run as it is written now; its result is of whichever version it was."""
    cell = dict(raw.get("cell") or {})
    if "profile" in cell:
        cell["arm"] = cell.pop("profile")
    result = raw.get("result")
    parts = raw.get("parts", [])
    if result is not None:
        if result.get("schema_version") == 1:
            parts = [part_with_kind(part) for part in parts]
        result = current(result)
    return {**raw, "cell": cell, "parts": parts, "result": result}


def cells(measured: Sequence[Measured]) -> Iterator[tuple[Cell, tuple[Measured, ...]]]:
    """Each cell with the attempts that count, in the order of recipe and cache state."""
    for cell in sorted({one.cell for one in measured}):
        yield cell, tuple(one for one in measured if one.cell == cell and one.counts)
