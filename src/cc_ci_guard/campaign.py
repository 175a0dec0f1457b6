"""Runs of mutants and twins: each a process of cc-ci on a changed copy, and kept to go on from later.

OUT/NAME/KEY/ has one run: `recipe/`, `runs/` as cc-ci wrote them, `log`, and `done.json` at its end. KEY is a
digest of all that the run depends on: another cc-ci, suite, recipe, profile or edit makes another run.
"""

import hashlib
import shutil
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from cc_ci_guard.changes import Askable, Mutant, Twin, versions
from cc_ci_guard.copies import make_copy
from cc_ci_guard.loading import Listed
from cc_ci_guard.programs import Ended, Program
from cc_ci_guard.results import FILE, Result, read

DONE = "done.json"
DEADLINE_SECONDS = 1800.0
BEYOND_SECONDS = 300.0
"""What the guard waits beyond a run's own deadline, for its teardown."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One run. `change` None: the recipe as it is. `asked` None: all stages."""

    name: str
    recipe: str
    change: Mutant | Twin | None = None
    asked: Askable | None = None


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """How all runs of a campaign are made; `code` is a digest of what is judged."""

    profile: str
    node: str | None = None
    soak: bool = False
    whole: bool = False
    deadline: float = DEADLINE_SECONDS
    code: str = ""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one run; `kept`: it is from an earlier campaign."""

    job: Job
    returncode: int | None
    seconds: float
    result: Result | None
    folder: str
    kept: bool = False

    @property
    def green(self) -> bool:
        return self.returncode == 0 and self.result is not None and self.result.exit_code == 0


class Campaign:
    """Carries jobs out, several at once. Safe to share between its threads: each job has its own folder."""

    def __init__(
        self, way: Way, *, recipes: Path, out: Path, program: Program, tell: Callable[[str], None]
    ) -> None:
        self._way = way
        self._recipes = recipes
        self._out = out
        self._program = program
        self._tell = tell
        self._stop = threading.Event()

    def __call__(self, jobs: Sequence[Job], *, at_once: int = 1) -> tuple[Outcome, ...]:
        """All jobs, in their order, `at_once` side by side. Ended from outside, it ends those that run."""
        with ThreadPoolExecutor(max_workers=at_once) as pool:
            waiting = [pool.submit(self._one, job) for job in jobs]
            try:
                found = [one.result() for one in waiting]
            except BaseException:
                self._stop.set()
                self._program.end()
                for one in waiting:
                    one.cancel()
                raise
        return tuple(one for one in found if one is not None)

    def _one(self, job: Job) -> Outcome | None:
        if self._stop.is_set():
            return None
        folder = self._out / job.name / self.key(job)
        if (folder / DONE).is_file():
            outcome = _outcome(job, folder, kept=True)
        else:
            ended = self._run(job, folder)
            (folder / DONE).write_bytes(msgspec.json.encode(ended))
            outcome = _outcome(job, folder, kept=False)
        kept = ", kept from before" if outcome.kept else ""
        self._tell(f"{job.name}: exit {outcome.returncode}, {outcome.seconds:.0f} s{kept}")
        return outcome

    def _run(self, job: Job, folder: Path) -> Ended:
        shutil.rmtree(folder, ignore_errors=True)
        runs = folder / "runs"
        runs.mkdir(parents=True)
        copy = make_copy(self._recipes / job.recipe, job.change, folder / "recipe" / _called(job))
        self._tell(f"{job.name}: runs" + (f" stage {job.asked}" if job.asked else ""))
        return self._program(
            argv(job, self._way, copy),
            env={"CC_CI_RUNS": str(runs)},
            log=folder / "log",
            timeout=self._way.deadline + BEYOND_SECONDS,
        )

    def key(self, job: Job) -> str:
        """What tells one run from others that have the same name."""
        digest = hashlib.sha256(msgspec.json.encode([job, self._way]))
        for version in versions(self._recipes / job.recipe):
            digest.update(digest_of([version]).encode())
        return digest.hexdigest()[:12]


def _called(job: Job) -> str:
    """The copy's folder, which is the recipe's name for cc-ci."""
    own = job.change.called if isinstance(job.change, Twin) else None
    return own or job.recipe


def argv(job: Job, way: Way, copy: Path) -> list[str]:
    """The command: cc-ci as anybody would start it."""
    words = [sys.executable, "-m", "cc_ci", "run", str(copy), "--profile", way.profile]
    words += ["--stage", job.asked] if job.asked and not way.whole else []
    words += ["--node", way.node] if way.node else []
    words += ["--soak"] if way.soak else []
    return [*words, "--deadline", f"{way.deadline:g}"]


def _outcome(job: Job, folder: Path, *, kept: bool) -> Outcome:
    ended = msgspec.json.decode((folder / DONE).read_bytes(), type=Ended)
    return Outcome(
        job=job,
        returncode=ended.returncode,
        seconds=ended.seconds,
        result=_result(folder / "runs"),
        folder=str(folder),
        kept=kept,
    )


def _result(runs: Path) -> Result | None:
    found = sorted(runs.glob(f"*/{FILE}"))
    return read(found[0]) if len(found) == 1 else None


def digest_of(folders: Iterable[Path]) -> str:
    """A digest over all files of some folders, by path and content."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(folder)}\0".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def mutant_jobs(listed: Sequence[Listed]) -> tuple[Job, ...]:
    """The unedited twins of all mutants, then the mutants: a kill counts only if its twin is green.

    One run of a recipe's one stage is its twin, or one of all stages where mutants are of several.
    """
    stages: dict[str, set[Askable | None]] = {}
    for one in listed:
        stages.setdefault(one.recipe, set()).add(_asked(one))
    twins = [unedited(recipe, asked.pop() if len(asked) == 1 else None) for recipe, asked in stages.items()]
    return (
        *twins,
        *(Job(name=one.name, recipe=one.recipe, change=one.change, asked=_asked(one)) for one in listed),
    )


def unedited(recipe: str, asked: Askable | None) -> Job:
    return Job(name=f"{recipe}-unedited-{asked or 'whole'}", recipe=recipe, asked=asked)


def twin_jobs(listed: Sequence[Listed], *, times: int) -> tuple[Job, ...]:
    """Each healthy twin `times` times, all of them before one comes again."""
    return tuple(
        Job(name=f"{one.name}-{number}", recipe=one.recipe, change=one.change, asked=_asked(one))
        for number in range(1, times + 1)
        for one in listed
    )


def _asked(one: Listed) -> Askable | None:
    return one.change.asked if isinstance(one.change, Mutant) else one.change.run
