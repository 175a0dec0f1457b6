"""How long each line of a run's story took the last time that the same was run."""

import itertools
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Self

from cc_ci.errors import UsageError
from cc_ci.levers.arms import Arm
from cc_ci.results.schema import RunResult
from cc_ci.results.store import RESULTS, Store, load
from cc_ci.system.units import Seconds
from cc_ci.timing.parts import WAITS_FOR

WAITING = "waiting for "
LOOKED_AT = 20
"""So many of a recipe's newest results are read to find one of the same kind: a large one takes a while."""
LEAST: Seconds = 1.0
"""What took less is not told."""


class LastTime:
    """Adds to a line how long it took in `result`; lines come in the run's order."""

    @classmethod
    def read_beside(cls, find: Callable[[], RunResult | None]) -> Self:
        """Find the result in a thread of its own: what is told before it is read has no time behind it."""
        made = cls(None)

        def read() -> None:
            if (result := find()) is not None:
                made._learn(result)

        threading.Thread(target=read, name="cc-ci-last-time", daemon=True).start()
        return made

    def __init__(self, result: RunResult | None) -> None:
        self._steps: dict[str, Seconds] = {}
        self._waits: Mapping[str, Mapping[str, Seconds]] = {}
        self._stages: dict[str, Seconds] = {}
        self.total: Seconds | None = None if result is None else result.total_seconds
        self._step = ""
        if result is not None:
            self._learn(result)

    def _learn(self, result: RunResult) -> None:
        known = {span.id: span for span in result.spans}
        steps: dict[str, Seconds] = {}
        waits: defaultdict[str, dict[str, Seconds]] = defaultdict(dict)
        for span in result.spans:
            if span.kind == "step":
                steps[span.name] = span.seconds
            step = span
            while step.kind != "step" and step.parent in known:
                step = known[step.parent]
            if WAITS_FOR in span.attributes:
                waits[step.name].setdefault(str(span.attributes[WAITS_FOR]), span.seconds)
        # whole, and in one step each: another thread may ask meanwhile
        self._steps, self._waits = steps, waits
        self._stages = {stage.name: stage.seconds for stage in result.stages}

    def annotated(self, line: str) -> str:
        """The line with `(last time 42 s)` behind it, where it is known and took long enough to matter."""
        seconds = self._seconds(line)
        return f"{line}{last_time(seconds)}"

    def of_stage(self, stage: str) -> Seconds | None:
        return self._stages.get(stage)

    def of_wait(self, step: str, waits_for: str) -> Seconds | None:
        """Of the first wait for it in a step."""
        return self._waits.get(step, {}).get(waits_for)

    def _seconds(self, line: str) -> Seconds | None:
        if line in self._steps:
            self._step = line
            return self._steps[line]
        if line.startswith(WAITING):
            return self.of_wait(self._step, line.removeprefix(WAITING))
        stage, _, outcome = line.partition(": ")
        return self.of_stage(stage) if outcome == "passed" else None


def last_time(seconds: Seconds | None) -> str:
    """` (last time 42 s)`, or nothing where it is not known or too short to matter."""
    return "" if seconds is None or seconds < LEAST else f" (last time {seconds:.0f} s)"


def last_of(store: Store, *, recipe: str, arm: Arm, cache: str | None) -> RunResult | None:
    """The newest green run of the recipe with the same arm and in the same cache state.

    A result that can't be read is none: it must not keep another run from going.
    """
    mine = (run for run in store.runs() if run.rsplit("-", 3)[0] == recipe)
    return next(
        (
            one
            for one in _readable(store, itertools.islice(mine, LOOKED_AT))
            if (one.exit_code, one.recipe.name, one.arm.digest, one.cache.asked)
            == (0, recipe, arm.digest, cache)
        ),
        None,
    )


def _readable(store: Store, runs: Iterator[str]) -> Iterator[RunResult]:
    for run in runs:
        try:
            yield load(store.root / run / RESULTS)
        except (UsageError, OSError):
            continue
