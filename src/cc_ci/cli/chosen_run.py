"""Find the run that a command's argument names."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cc_ci.results.schema import RunResult


def results_file(name: str) -> Path:
    """The results file of a run, found by its id, the beginning of one, `latest`, or its own path.

    Raises UsageError for a set's file, which has no spans, and names the file that has them.
    """
    from cc_ci.perf.baselines.sets import FACTS, TRACES
    from cc_ci.results.measured import RUNS
    from cc_ci.results.store import Store

    path = Path(name)
    if not path.is_file():
        return Store().find(name).results
    folder = path.resolve().parent.parent
    if path.resolve().parent.name == RUNS and (folder / FACTS).exists():
        from cc_ci.errors import UsageError

        traces = folder / TRACES
        raise UsageError(
            f"{path}: measured runs are kept without their spans; {traces} has one with all, per cell"
        )
    return path


def chosen_run(name: str) -> "RunResult":
    from cc_ci.results.store import load

    return load(results_file(name))
