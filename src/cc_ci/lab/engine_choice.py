"""Which engine a node gets: the one that was asked for, or one as operators run it today.

What an engine makes of a health check decides how long a recipe takes, and that changed between 20.10 and 28.
So the machine's own is taken from 28 on, and else that of a newer Debian suite.
"""

from collections.abc import Callable
from pathlib import Path

import filelock

from cc_ci.errors import CcCiError, InfrastructureError, UsageError
from cc_ci.lab.engine_archives import import_
from cc_ci.lab.engine_roots import SUITES, EngineRoot, RootBuilder, engines, kept_of, named
from cc_ci.lab.node_records import SYSTEM
from cc_ci.system.clock import SystemClock
from cc_ci.system.machine import CURRENT_ENGINE, engine_version, is_current
from cc_ci.system.process import Runner

DEFAULT_SUITE = "forky"
BuildRoot = Callable[[str], EngineRoot]


def engine_for(asked: str | None, *, runner: Runner, say: Callable[[str], None]) -> str:
    """`SYSTEM`, or the exact name of a kept engine: built where it is the first of its suite, or imported.

    Raises UsageError for an engine that there isn't, InfrastructureError where it can't be built.
    """

    def build(suite: str) -> EngineRoot:
        return RootBuilder(runner=runner, clock=SystemClock(), say=say).build(suite)

    if asked is None:
        return by_default(engine_version(runner=runner), build=build, say=say)
    if "/" in asked:
        return _of_path(Path(asked), runner=runner)
    return exact_name(asked, build=build, say=say)


def _of_path(path: Path, *, runner: Runner) -> str:
    if not path.exists():
        raise UsageError(f"engine {path}: there is no such file or folder")
    return import_(path, runner=runner).name


def exact_name(asked: str, *, build: BuildRoot, say: Callable[[str], None]) -> str:
    """The exact one, so that a later engine of its suite does not take its place."""
    if asked == SYSTEM:
        return SYSTEM
    return (_of_suite(asked, build=build, say=say) if asked in SUITES else named(asked)).name


def by_default(machine: str | None, *, build: BuildRoot, say: Callable[[str], None]) -> str:
    """The machine's own from `CURRENT_ENGINE` on, else that of `DEFAULT_SUITE`; never another in silence."""
    if is_current(machine):
        return SYSTEM
    own = f"this machine's own is {machine}" if machine else "this machine has none"
    chosen = _of_suite(DEFAULT_SUITE, build=build, say=say)
    why = f"{own}, and operators run {CURRENT_ENGINE} and newer"
    say(f"engine: {chosen.version} of Debian {chosen.suite}; {why}")
    return chosen.name


def _of_suite(suite: str, *, build: BuildRoot, say: Callable[[str], None]) -> EngineRoot:
    """The newest that is kept; made where there is none, by one command at a time.

    Raises InfrastructureError where it can't be, with the way on.
    """
    if there := kept_of(suite):
        return there
    engines().mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(engines() / ".building"):
        if there := kept_of(suite):
            return there
        say(f"engine of Debian {suite}: is not kept yet; building it takes about half a minute and 300 MB")
        try:
            made = build(suite)
        except CcCiError as error:
            raise InfrastructureError(
                f"engine of Debian {suite}: can't be built: {error}; `--engine {SYSTEM}` goes on with the"
                " machine's own"
            ) from error
    say(f"engine {made.name}: made in {made.seconds:.0f} s, {made.size_bytes / 1e6:.0f} MB")
    return made
