"""What a service whose containers ended said last itself: that is why, more often than not."""

import re
from collections.abc import Iterator

from cc_ci.engine.api import Engine
from cc_ci.engine.labels import SERVICE
from cc_ci.errors import InfrastructureError
from cc_ci.system.printable import one_line

NEWEST = 5
"""Containers that are looked at: after a rollback the newest are those of the version before."""
LONGEST = 300
OVER = ("exited", "dead")
STAMP = re.compile(r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d) ?")


def last_words(engine: Engine, *, stack: str, service: str) -> str | None:
    """The last line of the newest container that ended with another code than 0; None if there is none."""
    try:
        return next(_lines(engine, f"{stack}_{service}"), None)
    except InfrastructureError:
        return None


def _lines(engine: Engine, service: str) -> Iterator[str]:
    found = sorted(engine.containers({SERVICE: service}), key=lambda one: one.created, reverse=True)
    for container in [one for one in found if one.state in OVER][:NEWEST]:
        state = engine.container(container.id)
        if state is None or not state.exit_code:
            continue
        if said := spoken(engine.container_logs(container.id)):
            yield one_line(said[-1], most=LONGEST)


def spoken(logs: str) -> list[str]:
    """The lines of a container's log without the engine's stamps; nothing of those that are empty."""
    return [line for line in (STAMP.sub("", one, count=1).strip() for one in logs.splitlines()) if line]
