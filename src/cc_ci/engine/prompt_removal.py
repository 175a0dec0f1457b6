"""Stop the containers of a removed stack at once, as Swarm would after its sleeps.

Swarm waits 2 s before it stops a task on an overlay network, and 2 s more before it leaves the network, so
that other nodes hear of it first; here there are none to hear. Once its service is gone no task is made anew.
"""

import functools
from collections.abc import Iterable, Mapping

from cc_ci.engine.api import Container, Engine
from cc_ci.engine.labels import SERVICE, STACK
from cc_ci.engine.state import ServiceState
from cc_ci.system.threads import Pool
from cc_ci.system.units import Seconds

USUAL_GRACE: Seconds = 10.0
"""The engine's own, for a container of a service that was gone before."""


def graces(stack: str, services: Iterable[ServiceState]) -> dict[str, Seconds]:
    """By a service's full name how long its containers may take; to be asked before it is removed."""
    return {f"{stack}_{service.name}": service.stop_grace_period for service in services}


def stop_and_remove(engine: Engine, stack: str, *, grace_of: Mapping[str, Seconds]) -> None:
    """Have each container stopped gracefully, then removed with its anonymous volumes, all side by side.

    Raises InfrastructureError for one that the engine could not stop: it is not removed by force.
    """
    containers = engine.containers({STACK: stack})
    if containers:
        with Pool(len(containers)) as pool:
            list(pool.map(functools.partial(_end, engine, grace_of), containers))


def _end(engine: Engine, grace_of: Mapping[str, Seconds], container: Container) -> None:
    grace = grace_of.get(container.labels.get(SERVICE, ""), USUAL_GRACE)
    engine.stop_container(container.id, grace=grace)
    engine.remove_container(container.id)
