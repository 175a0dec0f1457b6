"""Looks after a private node's limits while a run goes: keeps apps within them, and says who reached which.

The kernel holds the limits of memory and processes; what it counts goes with a container, so it is looked at
often. Room on the disk has no limit that any engine and file system could hold, so that is measured, when so
much is gone that the run may have written it; an app that wrote too much is ended, and the run with it.
"""

import os
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from cc_ci.engine.api import Engine
from cc_ci.engine.labels import RUN
from cc_ci.engine.node import AppLimits
from cc_ci.errors import CcCiError, EndedEarly, OutOfRoom, Stopped
from cc_ci.isolation.app_groups import AppGroups, ContainerUse, Owner, larger, owner
from cc_ci.isolation.exhaustion import LimitHit, UsingApp, hits, last_room, out_of_memory, size, too_much
from cc_ci.isolation.written import RunsData
from cc_ci.system.units import Bytes, Seconds

INTERVAL: Seconds = 0.25
LEAST_FREE: Bytes = 1 << 30
"""What a node leaves of the machine's disk, whatever it may write: a full disk stops more than the run."""
LARGE: Bytes = 1 << 30
"""Who has written so much by then took the last room."""
LATELY = 8
"""Looks back, which is two seconds."""
KILLED = 137
GONE = ("exited", "dead")


class LimitWatch:
    """Watches one run while entered; `stop` ends the run. `hits` may be asked by any thread."""

    def __init__(
        self,
        engine: Engine,
        groups: AppGroups,
        data: RunsData,
        *,
        run: str,
        limits: AppLimits,
        folder: Path,
        stop: Callable[[Stopped], object],
        interval: Seconds = INTERVAL,
    ) -> None:
        self._engine = engine
        self._groups = groups
        self._data = data
        self._run = run
        self._limits = limits
        self._folder = folder
        self._stop = stop
        self._interval = interval
        self._lock = threading.Lock()
        self._apps: dict[str, UsingApp] = {}
        """By container, as last seen; those that are gone stay for their memory's limit."""
        self._looks: deque[dict[str, UsingApp]] = deque(maxlen=LATELY)
        self._hits: list[LimitHit] = []
        self._judged: set[str] = set()
        self._over = False
        self._free_then, self._written_then = _free(folder), 0
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._work, name="cc-ci-limits", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        self._thread.join()

    def hits(self) -> tuple[LimitHit, ...]:
        """What apps of the run were found to have reached since this was last asked, up to now."""
        with self._lock:
            self._look()
            self._look_at_dead()
            found, self._hits = tuple(self._hits), []
        return found

    def _work(self) -> None:
        while not self._left.wait(self._interval):
            try:
                with self._lock:
                    self._look()
                    self._look_at_disk()
            except CcCiError:
                # an engine that does not answer is found out by who needs it
                continue

    def _look(self) -> None:
        there = self._groups.containers()
        if not set(there) <= set(self._apps):
            self._meet(there)
        met = [container for container in there if container in self._apps]
        uses = {container: use for container in met if (use := self._groups.use(container))}
        before = {container: self._apps[container] for container in uses}
        now = {
            container: UsingApp(owner=last.owner, use=uses[container]) for container, last in before.items()
        }
        self._looks.append(now)
        lately = self._lately()
        for container, app in now.items():
            if app.owner.run == self._run:
                self._hits += hits(
                    lately[container], before[container].use, beside=lately, limits=self._limits
                )
                if self._over:
                    self._groups.kill(container)
        self._apps |= now

    def _lately(self) -> dict[str, UsingApp]:
        """Each with the most that it had a moment ago: what was ended since has given it back."""
        found: dict[str, UsingApp] = {}
        for look in self._looks:
            for container, app in look.items():
                most = larger(found[container].use, app.use) if container in found else app.use
                found[container] = UsingApp(owner=app.owner, use=most)
        return found

    def _meet(self, containers: tuple[str, ...]) -> None:
        """Ask whose they are; see that none has more processes than one may, or outlives the daemons."""
        owners = {one.id: owner(one.labels) for one in self._engine.containers()}
        for container in containers:
            if container not in self._apps:
                self._groups.bound(container, processes=self._limits.processes_each)
                self._groups.expose(container)
                self._apps[container] = UsingApp(owner=owners.get(container, Owner()), use=ContainerUse())

    def _look_at_dead(self) -> None:
        """An app that was ended as a whole took its group and what was counted there along."""
        for container in self._engine.containers({RUN: self._run}):
            if container.state not in GONE or container.id in self._judged:
                continue
            self._judged.add(container.id)
            state = self._engine.container(container.id)
            if state and state.oom_killed and state.exit_code == KILLED:
                last = self._apps.get(container.id)
                app = UsingApp(owner=owner(container.labels), use=last.use if last else ContainerUse())
                beside = {**self._lately(), container.id: app}
                self._hits.append(out_of_memory(app, "it was killed", beside=beside, limits=self._limits))

    def _look_at_disk(self) -> None:
        free = _free(self._folder)
        low = free < LEAST_FREE
        # others may have written it: what the run has is measured, no sooner than it can be too much
        due = self._free_then - free >= self._limits.disk_bytes - self._written_then
        if self._over or not (low or due):
            return
        written = self._data.measure()
        self._free_then, self._written_then = free, sum(one.size_bytes for one in written)
        hit = too_much(written, limits=self._limits)
        if hit is None and low:
            hit = last_room(written, free=size(free), large=LARGE)
            if hit is None:
                self._stop(OutOfRoom(f"{self._folder}: {size(free)} left, and the run did not take the rest"))
        if hit is not None:
            self._over = True
            self._hits.append(hit)
            self._stop(EndedEarly(hit.text))


def _free(folder: Path) -> Bytes:
    seen = os.statvfs(folder)
    return seen.f_bavail * seen.f_frsize
