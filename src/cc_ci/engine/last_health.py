"""What a service's health check said last: the engine has it, also of a container that it killed."""

from cc_ci.engine.api import Engine
from cc_ci.engine.labels import SERVICE
from cc_ci.engine.state import ContainerState
from cc_ci.errors import InfrastructureError
from cc_ci.system.printable import one_line

NEWEST = 3
"""Containers that are looked at: the newest may not have been looked at itself."""
LONGEST = 200
ENGINES_OWN = ("OCI runtime exec failed", "cannot exec in a stopped", "container is not running")
"""Beginnings or parts of what the engine says where a container went away under its check."""


def last_health(engine: Engine, *, stack: str, service: str) -> str | None:
    """Its last words, in one line; None where no check of it failed or none can be had."""
    states = _newest(engine, f"{stack}_{service}")
    return next((health_words(state) for state in states if _says_no(state)), None)


def unhealthy(engine: Engine, *, stack: str, service: str) -> str | None:
    """What the health check said that failed so often that Swarm ended the container; None where none did."""
    states = _newest(engine, f"{stack}_{service}")
    return next((health_words(state) for state in states if state.refused), None)


def _newest(engine: Engine, service: str) -> list[ContainerState]:
    try:
        found = engine.containers({SERVICE: service})
        newest = sorted(found, key=lambda one: one.created, reverse=True)[:NEWEST]
        return [state for one in newest if (state := engine.container(one.id))]
    except InfrastructureError:
        return []


def _says_no(state: ContainerState) -> bool:
    return state.health not in (None, "healthy") and bool(state.health_output)


def health_words(state: ContainerState) -> str:
    """The last line of the newest check that ran to its end."""
    said = [one for one in state.health_output if not any(own in one for own in ENGINES_OWN)]
    last = (said or list(state.health_output) or [""])[-1]
    lines = [line.strip() for line in last.splitlines() if line.strip()]
    return one_line(lines[-1], most=LONGEST) if lines else "nothing, and failed"
