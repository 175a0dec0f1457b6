"""One run at a time where something of the node is shared, as `proxy` is on a foreign one.

A lock is a Swarm config of a fixed name: Swarm lets one of a name be made, whoever asks. It holds as long as
the lease of the run that its labels name.
"""

import contextlib
from collections.abc import Iterator

from cc_ci.engine.api import Engine
from cc_ci.engine.labels import ROLE, RUN
from cc_ci.errors import InfrastructureError
from cc_ci.isolation.leases import liveness
from cc_ci.system.clock import Clock
from cc_ci.system.units import Seconds
from cc_ci.system.waiting import wait_until

LOCK_NAME = "cc-ci-lock-"


def try_lock(engine: Engine, *, what: str, run: str) -> str | None:
    """Take the lock on `what` for `run`; None when taken, else the line that says who has it.

    `run` has to hold its lease already. A lock whose run is dead is removed by its id, so that of two that
    see it so, neither removes the other's new one.
    """
    name = f"{LOCK_NAME}{what}"
    live = liveness(engine)
    for config in engine.configs(labels={ROLE: "lock"}):
        holder = config.labels.get(RUN, "")
        if config.name != name or holder == run:
            continue
        if holder in live and live[holder].live:
            return f"{what}: in use by run {holder}, {live[holder].reason}"
        engine.remove_config(config.id)
    try:
        engine.create_config(name, content=run.encode(), labels={ROLE: "lock", RUN: run})
    except InfrastructureError as error:
        return f"{what}: not to be locked: {error}"
    return None


def unlock(engine: Engine, *, what: str, run: str) -> None:
    """Remove the run's own lock. Works twice."""
    for config in engine.configs(labels={ROLE: "lock", RUN: run}):
        if config.name == f"{LOCK_NAME}{what}":
            engine.remove_config(config.id)


@contextlib.contextmanager
def locked(engine: Engine, *, what: str, run: str, clock: Clock, timeout: Seconds) -> Iterator[None]:
    """Hold the lock on `what`; waits `timeout` seconds for its turn, then raises InfrastructureError."""
    wait_until(
        lambda: try_lock(engine, what=what, run=run),
        name=f"lock on {what}",
        ready=lambda taken: taken is None,
        timeout=timeout,
        clock=clock,
        interval=2.0,
        describe=str,
    )
    try:
        yield
    finally:
        unlock(engine, what=what, run=run)
