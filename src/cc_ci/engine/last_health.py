"""What a service's health check said last: the engine has it, also of a container that it killed."""

from cc_ci.engine.api import Engine
from cc_ci.engine.labels import SERVICE
from cc_ci.engine.state import ContainerState
from cc_ci.errors import InfrastructureError
from cc_ci.system.printable import one_line

NEWEST = 3
"""Containers that are looked at: the newest may not have been looked at itself."""
LONGEST = 200


def last_health(engine: Engine, *, stack: str, service: str) -> str | None:
    """Its last words, in one line; None where no check of it failed or none can be had."""
    try:
        found = engine.containers({SERVICE: f"{stack}_{service}"})
        newest = sorted(found, key=lambda one: one.created, reverse=True)[:NEWEST]
        states = [engine.container(one.id) for one in newest]
    except InfrastructureError:
        return None
    return next((_words(state) for state in states if state and _says_no(state)), None)


def _says_no(state: ContainerState) -> bool:
    return state.health not in (None, "healthy") and bool(state.health_output)


def _words(state: ContainerState) -> str:
    lines = [line.strip() for line in state.health_output[-1].splitlines() if line.strip()]
    return one_line(lines[-1], most=LONGEST) if lines else "nothing, and failed"
