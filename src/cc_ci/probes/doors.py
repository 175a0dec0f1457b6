"""What a proxy would ask of an app, asked at the container behind it: before any proxy knows of it."""

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import msgspec

from cc_ci.engine.api import Engine
from cc_ci.probes.answers import Answer, Problem
from cc_ci.probes.containers import asked_within
from cc_ci.system.units import Seconds


class AtDoor:
    """A Requester: a URL's path is asked for at `port` of the container that `locate` finds by now.

    The container hears of name and scheme as from a proxy. It says when an app serves, and not that its users
    reach it: what a proxy changes on the way is not done. For a private node.
    """

    def __init__(self, engine: Engine, *, locate: Callable[[], str | None], port: int) -> None:
        self._engine = engine
        self._locate = locate
        self._port = port

    def request(
        self,
        method: str,
        url: str,
        *,
        content: str | None = None,
        headers: Mapping[str, str] = {},
        timeout: Seconds = 10.0,
    ) -> Answer:
        container = self._locate()
        state = self._engine.container(container) if container else None
        if state is None or not state.pid or not state.addresses:
            return Answer(url=url, problem=Problem(kind="unreachable", detail="no container has an address"))
        to = urlsplit(url)
        address = next(iter(state.addresses.values()))
        query = f"?{to.query}" if to.query else ""
        answer = asked_within(
            state.pid,
            method,
            f"http://{address}:{self._port}{to.path or '/'}{query}",
            content=content,
            headers={**headers, "host": to.netloc, "x-forwarded-proto": to.scheme},
            timeout=timeout,
        )
        return msgspec.structs.replace(answer, url=url)
