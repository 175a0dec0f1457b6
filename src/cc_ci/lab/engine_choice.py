"""Which engine a node gets: the one that was asked for, or one as operators run it today.

What an engine makes of a health check decides how long a recipe takes, and that changed between 20.10 and 28.
So the machine's own is taken from 28 on, and else that of a newer Debian suite.
"""

import re
from collections.abc import Callable

import filelock

from cc_ci.errors import CcCiError, InfrastructureError
from cc_ci.lab.engine_roots import SUITES, Builder, EngineRoot, engines, kept_of, named
from cc_ci.lab.node_records import SYSTEM
from cc_ci.system.clock import SystemClock
from cc_ci.system.machine import engine_version
from cc_ci.system.process import Runner

CURRENT = 28
"""The first that looks at a health check every 5 s until its start_period has passed."""
DEFAULT_SUITE = "forky"
Say = Callable[[str], None]
Build = Callable[[str], EngineRoot]


def engine_for(asked: str | None, *, runner: Runner, say: Say) -> str:
    """`SYSTEM`, or the exact name of a kept engine, which is built where it is the first of its suite.

    Raises UsageError for an engine that there isn't, InfrastructureError where it can't be built.
    """

    def build(suite: str) -> EngineRoot:
        return Builder(runner=runner, clock=SystemClock(), say=say).build(suite)

    if asked is None:
        return by_default(engine_version(runner=runner), build=build, say=say)
    return exact_name(asked, build=build, say=say)


def exact_name(asked: str, *, build: Build, say: Say) -> str:
    """The exact one, so that a later engine of its suite does not take its place."""
    if asked == SYSTEM:
        return SYSTEM
    return (_of_suite(asked, build=build, say=say) if asked in SUITES else named(asked)).name


def by_default(machine: str | None, *, build: Build, say: Say) -> str:
    """The machine's own from `CURRENT` on, else that of `DEFAULT_SUITE`; never another one in silence."""
    if is_current(machine):
        return SYSTEM
    own = f"this machine's own is {machine}" if machine else "this machine has none"
    try:
        chosen = _of_suite(DEFAULT_SUITE, build=build, say=say)
    except CcCiError as error:
        raise InfrastructureError(
            f"engine of Debian {DEFAULT_SUITE}: can't be built: {error}; {own}, taken by `--engine {SYSTEM}`"
        ) from error
    say(f"engine: {chosen.version} of Debian {chosen.suite}; {own}, and operators run {CURRENT} and newer")
    return chosen.name


def is_current(version: str | None) -> bool:
    found = re.match(r"\d+", version or "")
    return found is not None and int(found[0]) >= CURRENT


def _of_suite(suite: str, *, build: Build, say: Say) -> EngineRoot:
    """The newest that is kept; made where there is none, by one command at a time."""
    if there := kept_of(suite):
        return there
    engines().mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(engines() / ".building"):
        if there := kept_of(suite):
            return there
        say(f"engine of Debian {suite}: is not kept yet; building it takes about half a minute and 400 MB")
        made = build(suite)
    say(f"engine {made.name}: made in {made.seconds:.0f} s, {made.size_bytes / 1e6:.0f} MB")
    return made
