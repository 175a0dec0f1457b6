"""How long each line of a run's story took the last time that the same was run."""

from collections import defaultdict

from cc_ci.results.schema import RunResult
from cc_ci.results.store import Store
from cc_ci.system.units import Seconds
from cc_ci.timing.parts import WAITS_FOR

WAITING = "waiting for "
LOOKED_AT = 5
"""So many of a recipe's newest results are read to find one of the same kind."""
LEAST: Seconds = 1.0
"""What took less is not told."""


class LastTime:
    """Adds to a line how long it took in `result`; lines come in the run's order."""

    def __init__(self, result: RunResult | None) -> None:
        self._steps: dict[str, Seconds] = {}
        self._waits: defaultdict[str, dict[str, Seconds]] = defaultdict(dict)
        self._stages: dict[str, Seconds] = {}
        self._step = ""
        if result is not None:
            self._learn(result)

    def _learn(self, result: RunResult) -> None:
        known = {span.id: span for span in result.spans}
        for span in result.spans:
            if span.parent is None:
                self._steps[span.name] = span.seconds
            above = span
            while above.parent in known:
                above = known[above.parent]
            if WAITS_FOR in span.attributes:
                self._waits[above.name].setdefault(str(span.attributes[WAITS_FOR]), span.seconds)
        self._stages = {stage.name: stage.seconds for stage in result.stages}

    def annotated(self, line: str) -> str:
        """The line with `(last time 42 s)` behind it, where it is known and took long enough to matter."""
        seconds = self._seconds(line)
        return line if seconds is None or seconds < LEAST else f"{line} (last time {seconds:.0f} s)"

    def _seconds(self, line: str) -> Seconds | None:
        if line in self._steps:
            self._step = line
            return self._steps[line]
        if line.startswith(WAITING):
            return self._waits[self._step].get(line.removeprefix(WAITING))
        stage, _, outcome = line.partition(": ")
        return self._stages.get(stage) if outcome == "passed" else None


def last_of(store: Store, *, recipe: str, profile: str, cache: str | None) -> RunResult | None:
    """The newest green run of the recipe under the same profile, in the same cache state if there is one."""
    mine = [run for run in store.runs() if run.startswith(f"{recipe}-")][:LOOKED_AT]
    found = [store.load(run) for run in mine]
    green = [
        one for one in found if one.exit_code == 0 and one.profile == profile and one.recipe.name == recipe
    ]
    return next((one for one in green if one.cache.asked == cache), green[0] if green else None)
