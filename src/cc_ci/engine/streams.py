"""The engine's events, read by a thread of their own into a queue."""

import contextlib
import queue
import threading
from collections.abc import Iterator
from typing import Any, Protocol, Self

from cc_ci.engine.parsing import event
from cc_ci.engine.state import EngineEvent
from cc_ci.errors import InfrastructureError
from cc_ci.system import stopping
from cc_ci.system.units import Seconds

ACTIONS = (
    "create", "start", "die", "kill", "oom", "stop", "destroy", "health_status", "exec_die",
    "update", "remove", "connect", "disconnect", "pull", "delete", "untag",
)  # fmt: skip
"""All that is of use; of the three events that each look of a health check makes, the one with its answer."""


class DockerStream(Protocol):
    """docker-py's stream: its `close` works from another thread."""

    def __iter__(self) -> Iterator[dict[str, Any]]: ...
    def close(self) -> None: ...


class QueuedEvents:
    """An EventStream; subscribed from the moment it is made."""

    def __init__(self, source: DockerStream) -> None:
        self._source = source
        self._queue: queue.SimpleQueue[EngineEvent | Exception | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._read, name="engine events", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for entry in self._source:
                self._queue.put(event(entry))
        except Exception as error:  # noqa: BLE001 - whatever broke it, the reader's thread must say so
            self._queue.put(error)
        else:
            self._queue.put(ConnectionError("the engine closed the stream"))

    def next(self, timeout: Seconds) -> EngineEvent | None:
        stop = stopping.current()
        with contextlib.suppress(queue.Empty), stop.watched(self._wake):
            item = self._queue.get(timeout=max(0.0, timeout)) if timeout > 0 else self._queue.get_nowait()
            if isinstance(item, EngineEvent):
                return item
            stop.check()
            if item is None:
                return None
            self._queue.put(item)
            raise InfrastructureError(f"engine's events: broke off ({item}); is the node still up?")
        return None

    def _wake(self) -> None:
        self._queue.put(None)

    def close(self) -> None:
        """End the reader. Works twice."""
        if not self._closed:
            self._closed = True
            with contextlib.suppress(OSError):
                self._source.close()
            self._thread.join(timeout=2)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
