"""The runs that are kept, a line each: only what a list needs is read of their results."""

from collections.abc import Iterator
from typing import Any

import msgspec

from cc_ci.results.store import LARGEST, RESULTS, Store
from cc_ci.system.reading import Unreadable, read_plain
from cc_ci.system.units import EpochSeconds, Seconds


class _Recipe(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    version_from: str | None = None
    version_to: str | None = None
    variant: tuple[str, ...] = ()


class _Arm(msgspec.Struct, frozen=True, kw_only=True):
    profile: str
    overrides: dict[str, Any] = {}


class _Cache(msgspec.Struct, frozen=True, kw_only=True):
    asked: str | None = None


class _Stage(msgspec.Struct, frozen=True, kw_only=True):
    name: str


class _Where(msgspec.Struct, frozen=True, kw_only=True):
    cpus: float | None = None
    memory_bytes: int | None = None
    images_kind: str | None = None
    engine: str | None = None


class RunLine(msgspec.Struct, frozen=True, kw_only=True):
    """What results of any version have of one run; `arm` is missing before version 2."""

    run: str
    state: str = "running"
    started_at: EpochSeconds
    recipe: _Recipe
    arm: _Arm | None = None
    profile: str = "stock"
    cache: _Cache = _Cache()
    environment: _Where = _Where()
    stages: tuple[_Stage, ...] = ()
    verdict: str | None = None
    exit_code: int | None = None
    total_seconds: Seconds = 0.0

    @property
    def versions(self) -> str:
        return " to ".join(one for one in (self.recipe.version_from, self.recipe.version_to) if one)

    @property
    def arm_text(self) -> str:
        """The profile, and what was set otherwise."""
        if self.arm is None:
            return self.profile
        changed = (f"{name}={value}" for name, value in sorted(self.arm.overrides.items()))
        return " ".join([self.arm.profile, *changed])

    @property
    def kind(self) -> tuple[object, ...]:
        """What two runs must have in common for their times to be compared."""
        stages = tuple(stage.name for stage in self.stages)
        recipe = (self.recipe.name, self.recipe.variant)
        return (recipe, self.arm_text, self.cache, self.environment, stages)


def run_lines(store: Store) -> Iterator[RunLine]:
    """All runs, the newest first; one whose results can't be read is left out."""
    for run in store.runs():
        try:
            content = read_plain(store.root / run / RESULTS, most=LARGEST)
            yield msgspec.json.decode(content, type=RunLine)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, Unreadable, OSError):
            continue


def latest_and_green(store: Store) -> tuple[RunLine, RunLine] | None:
    """The latest finished run, and before it the last green one of its kind; None where one is missing."""
    lines = [line for line in run_lines(store) if line.state == "finished"]
    if not lines:
        return None
    latest, *older = lines
    green = next((line for line in older if line.exit_code == 0 and line.kind == latest.kind), None)
    return (latest, green) if green else None
