"""Where results are kept: one folder per run.

RUN/results.json, RUN/evidence/, RUN/trace.json, RUN/junit.xml; all for their owner's eyes alone
"""

import os
import stat
from pathlib import Path

import msgspec

from cc_ci.errors import UsageError
from cc_ci.results.migrations import current
from cc_ci.results.schema import RunResult
from cc_ci.system.clearing import clear_away
from cc_ci.system.files import private_folder, state_root, write_private
from cc_ci.system.printable import one_line
from cc_ci.system.reading import Unreadable, read_plain
from cc_ci.system.suggesting import unknown
from cc_ci.system.units import Bytes

RESULTS = "results.json"
LARGEST: Bytes = 256 * 1024 * 1024
"""Of one run's results; those of the longest baselines have some megabytes."""
RUNS_VARIABLE = "CC_CI_RUNS"
"""Another folder for results than the state folder's `runs`."""


class RunFolder(msgspec.Struct, frozen=True, kw_only=True):
    """The files of one run."""

    path: Path

    @property
    def run(self) -> str:
        return self.path.name

    @property
    def results(self) -> Path:
        return self.path / RESULTS

    @property
    def evidence(self) -> Path:
        return self.path / "evidence"

    @property
    def trace(self) -> Path:
        return self.path / "trace.json"

    @property
    def junit(self) -> Path:
        return self.path / "junit.xml"


class Store:
    """Results of runs under `root`, by default where CC_CI_RUNS says, or the state folder's `runs`."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or Path(os.environ.get(RUNS_VARIABLE) or state_root() / "runs")

    def folder(self, run: str) -> RunFolder:
        """The folder of a run with exactly this id; it and `evidence` are made if they are not there."""
        folder = RunFolder(path=self.root / run)
        private_folder(folder.path)
        private_folder(folder.evidence)
        return folder

    def write(self, result: RunResult) -> RunFolder:
        """Write results.json in one step: call it after every stage."""
        folder = self.folder(result.run)
        write_private(folder.results, msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")
        return folder

    def runs(self) -> tuple[str, ...]:
        """The ids of all runs that wrote results, the newest first."""
        found = ((path.lstat(), path.parent.name) for path in self.root.glob(f"*/{RESULTS}"))
        written = ((status.st_mtime_ns, run) for status, run in found if stat.S_ISREG(status.st_mode))
        return tuple(run for _, run in sorted(written, reverse=True))

    def find(self, name: str = "latest") -> RunFolder:
        """The folder of a run by its id, a unique prefix of it, or `latest`."""
        runs = self.runs()
        if not runs:
            raise UsageError(f"run {name}: no results in {self.root}; `cc-ci run` makes some")
        found = runs[:1] if name == "latest" else [run for run in runs if run.startswith(name)]
        if name in found:
            found = [name]
        if len(found) != 1:
            if not found:
                raise unknown("run", name, runs, mend="`cc-ci runs` lists all")
            raise UsageError(f"run {name}: matches several runs: {_listed(found)}; give more of the name")
        return RunFolder(path=self.root / found[0])

    def prune(self, *, keep: int) -> None:
        """Remove all but the newest `keep` runs."""
        for run in self.runs()[keep:]:
            clear_away(self.root / run)

    def load(self, name: str = "latest") -> RunResult:
        """The results of a run by its id, a unique prefix of it, or `latest`."""
        return load(self.find(name).results)


def load(path: Path) -> RunResult:
    """Read a results.json of this or any older version."""
    try:
        # a link that a person gives may lead anywhere; what it leads to is a plain file
        content = read_plain(Path(os.path.realpath(path)), most=LARGEST)
        return msgspec.convert(current(msgspec.json.decode(content)), RunResult)
    except FileNotFoundError as error:
        raise UsageError(f"{path}: there is no such file; name a run's results.json") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, Unreadable) as error:
        said = one_line(str(error), most=300)
        raise UsageError(f"{path}: not the results of a run ({said}); run it again") from error
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def _listed(runs: tuple[str, ...] | list[str], *, limit: int = 5) -> str:
    more = f" and {len(runs) - limit} more" if len(runs) > limit else ""
    return ", ".join(runs[:limit]) + more
