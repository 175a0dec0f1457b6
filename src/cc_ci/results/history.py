"""An index of all runs in one SQLite file, derived from their results.

It can be made anew from those that are there, and outlives them: runs that the store pruned stay in it until
it is rebuilt.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Self

import msgspec

from cc_ci.errors import UsageError
from cc_ci.results.history_file import open_index
from cc_ci.results.history_rows import phase_rows, run_row, test_rows
from cc_ci.results.store import RESULTS, Store, load
from cc_ci.system.units import EpochSeconds, Seconds

FILE = "history.sqlite"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What can be compared over time: one recipe with one arm, in one cache state (None: as it was).

    And on one kind of node, with images of one kind and one engine; None where results don't tell.
    """

    recipe: str
    arm: str
    digest: str
    """Of the arm's lever values: a profile that was changed is another line."""
    cache: str | None
    only: str | None = None
    """The one stage that was run, None for all."""
    variant: str | None = None
    node: str | None = None
    images: str | None = None
    engine: str | None = None

    def __str__(self) -> str:
        only = f"{self.only} only" if self.only else None
        where = ", ".join(filter(None, (self.node, self.images, self.engine and f"engine {self.engine}")))
        words = (self.recipe, self.variant, self.cache, self.arm, only, where and f"({where})")
        return " ".join(filter(None, words))


LINE = Line.__struct_fields__
ON_LINE = " and ".join(f"{name} is ?" for name in LINE)


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One green run; pressures are shares of its time in which something on the host stood still.

    `others_cpus` were kept busy, on average, by what is neither of the run nor of its node.
    """

    run: str
    started: EpochSeconds
    seconds: Seconds
    cpu_pressure: float | None
    io_pressure: float | None
    others_cpus: float | None


class Flake(msgspec.Struct, frozen=True, kw_only=True):
    """A test that was green and was not on the same code, node and images, in whichever cache state."""

    recipe: str
    version: str
    arm: str
    test: str
    green: int
    red: int


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    line: Line
    runs: int
    green: int
    last_verdict: str | None
    last_run: str
    last_started: EpochSeconds


class History:
    """The index beside the runs of `store`; a context manager. `say` hears of results that can't be read."""

    def __init__(self, store: Store, *, say: Callable[[str], None]) -> None:
        self._store = store
        self._say = say

    def __enter__(self) -> Self:
        self._store.root.mkdir(parents=True, exist_ok=True)
        self._db = open_index(self._store.root / FILE, say=self._say)
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def rebuild(self) -> None:
        """Forget all, and read every file again."""
        for table in ("runs", "phases", "tests"):
            self._db.execute(f"delete from {table}")  # noqa: S608 - names of our own
        self.refresh()

    def refresh(self, *, tell_unread: bool = True) -> int:
        """Take in results that are new or were written since; how many there were.

        Those that can't be read are tried, and told, each time.
        """
        known = dict(self._db.execute("select run, changed from runs"))
        fresh = 0
        for run in self._store.runs():
            path = self._store.root / run / RESULTS
            changed = path.stat().st_mtime_ns
            if known.get(run) != changed:
                fresh += self._take(run, path, changed, tell_unread=tell_unread)
        self._db.commit()
        return fresh

    def _take(self, run: str, path: Path, changed: int, *, tell_unread: bool) -> bool:
        try:
            result = load(path)
        except UsageError as error:
            if tell_unread:
                self._say(f"left out: {error}")
            return False
        for table in ("runs", "phases", "tests"):
            self._db.execute(f"delete from {table} where run = ?", (run,))  # noqa: S608 - as above
        row = run_row(run, changed, result)
        self._db.execute(f"insert into runs values ({','.join('?' * len(row))})", row)  # noqa: S608 - as above
        self._db.executemany("insert into phases values (?, ?, ?, ?)", phase_rows(run, result))
        self._db.executemany("insert into tests values (?, ?, ?, ?)", test_rows(run, result))
        return True

    def summaries(self) -> tuple[Summary, ...]:
        """Every line with finished runs, the one that ran last first."""
        rows = self._db.execute(
            # of the other columns, sqlite gives those of the row that has the maximum
            f"select count(*), sum(exit_code = 0), verdict, run, max(started), {', '.join(LINE)}"  # noqa: S608
            f" from runs where verdict is not null group by {', '.join(LINE)} order by max(started) desc"
        )
        return tuple(
            Summary(
                line=Line(**dict(zip(LINE, line, strict=True))),
                runs=runs,
                green=green,
                last_verdict=verdict,
                last_run=run,
                last_started=started,
            )
            for runs, green, verdict, run, started, *line in rows
        )

    def trend(self, line: Line, *, phase: str | None = None) -> tuple[Point, ...]:
        """Green runs of a line in their order; of `phase` the seconds on the critical path, or 0."""
        seconds, values = "seconds", [*msgspec.structs.astuple(line)]
        if phase is not None:
            seconds = "coalesce((select sum(seconds) from phases where run = runs.run and phase = ?), 0)"
            values.insert(0, phase)
        rows = self._db.execute(
            f"select run, started, {seconds}, cpu_pressure, io_pressure, others_cpus"  # noqa: S608 - our own
            f" from runs where {ON_LINE} and exit_code = 0 order by started",
            values,
        )
        return tuple(
            Point(
                run=run, started=started, seconds=took, cpu_pressure=cpu, io_pressure=io, others_cpus=others
            )
            for run, started, took, cpu, io, others in rows
        )

    def phases(self, line: Line) -> tuple[str, ...]:
        """The phases of a line's green runs, the longest first."""
        rows = self._db.execute(
            f"select phase from phases join runs using (run) where {ON_LINE} and exit_code = 0"  # noqa: S608
            " group by phase order by sum(phases.seconds) desc",
            msgspec.structs.astuple(line),
        )
        return tuple(phase for (phase,) in rows)

    def flakes(self, recipe: str | None = None) -> tuple[Flake, ...]:
        """Tests that were both green and failed on the same recipe, suite, arm, node, images, engine, cc-ci.

        Nobody knows that of a recipe that is being edited: runs of no commit, or of more, are left out.
        """
        rows = self._db.execute(
            "select recipe, version, arm, stage || ': ' || name,"
            " sum(outcome = 'passed'), sum(outcome = 'failed')"
            " from tests join runs using (run)"
            " where (? is null or recipe = ?) and commit_ is not null and dirty is not 1"
            " group by recipe, version, commit_, suite, arm, digest, variant, node, images, engine, cc_ci,"
            " stage, name"
            " having sum(outcome = 'passed') > 0 and sum(outcome = 'failed') > 0",
            (recipe, recipe),
        )
        return tuple(
            Flake(recipe=name, version=version or "", arm=arm, test=test, green=green, red=red)
            for name, version, arm, test, green, red in rows
        )
