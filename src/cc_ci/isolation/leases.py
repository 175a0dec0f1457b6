"""A run's lease, kept on the node itself, so that every machine and container that uses the node sees it.

A lease is a Swarm config with labels. Configs can't be touched, so renewing one means making the next and
removing the last. Its age is told by the engine's own clock, never by a runner's.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping

import msgspec

from cc_ci.engine.api import Engine
from cc_ci.engine.labels import ROLE, RUN
from cc_ci.errors import CcCiError, UsageError
from cc_ci.isolation.holder import Holder, from_labels, this_process
from cc_ci.system.units import Seconds

TTL = "cc-ci.lease.ttl"
COMMAND = "cc-ci.lease.command"
KEPT = "cc-ci.lease.kept"
LONGEST_NAME = 64

DEFAULT_TTL: Seconds = 90.0
DEFAULT_BEAT: Seconds = 20.0
"""Four beats may be missed before a lease ends: an engine that unpacks an image answers late."""


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """A lease as the node tells of it; `age` is in seconds of the engine's clock."""

    config: str
    name: str
    run: str
    age: Seconds
    ttl: Seconds
    command: str
    kept: bool
    holder: Holder | None


class Liveness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a run lives, and the fact that says so; `kept`: it has ended, its app was left for a look."""

    run: str
    live: bool
    reason: str
    kept: bool = False


def judge(lease: Lease, here: Holder) -> Liveness:
    """Near by, the process decides; where it can't be seen, the lease's age does."""
    presence = lease.holder.seen_from(here) if lease.holder else "out of sight"
    if presence == "alive":
        return _liveness(lease, live=True, reason=f"its process {_pid(lease)} runs")
    if presence == "dead":
        return _liveness(lease, live=False, reason=f"its process {_pid(lease)} is gone")
    live = lease.age <= lease.ttl
    what = "it was kept" if lease.kept else "its lease was renewed"
    return _liveness(lease, live=live, reason=f"{what} {lease.age:.0f} s ago, for {lease.ttl:.0f} s")


def _liveness(lease: Lease, *, live: bool, reason: str) -> Liveness:
    return Liveness(run=lease.run, live=live, reason=reason, kept=lease.kept)


def _pid(lease: Lease) -> int:
    return lease.holder.pid if lease.holder else 0


def leases(engine: Engine) -> tuple[Lease, ...]:
    """All leases on the node; during a renewal a run may have two."""
    now = engine.now()
    return tuple(
        _read(config.id, config.name, config.labels, age=now - config.created)
        for config in engine.configs(labels={ROLE: "lease"})
    )


def _read(config: str, name: str, labels: Mapping[str, str], *, age: Seconds) -> Lease:
    return Lease(
        config=config,
        name=name,
        run=labels.get(RUN, ""),
        # the engine's stamps and its clock may differ by a rounding
        age=max(0.0, age),
        ttl=float(labels.get(TTL, DEFAULT_TTL)),
        command=labels.get(COMMAND, ""),
        kept=KEPT in labels,
        holder=from_labels(dict(labels)),
    )


def liveness(engine: Engine, *, here: Holder | None = None) -> dict[str, Liveness]:
    """What is known of every run that has a lease; a run with none is dead."""
    me = here or this_process()
    known: dict[str, Liveness] = {}
    for lease in leases(engine):
        judged = judge(lease, me)
        if judged.live or lease.run not in known:
            known[lease.run] = judged
    return known


def lease_name(run: str, number: int) -> str:
    """A run's end is what makes it unique, so that is kept where the name would be too long."""
    head, tail = "cc-ci-lease-", f"-{number}"
    return f"{head}{run[-(LONGEST_NAME - len(head) - len(tail)) :]}{tail}"


class Keeper:
    """Holds one run's lease: `take` before the first thing is made, `give_back` after the last is gone."""

    def __init__(
        self,
        engine: Engine,
        *,
        run: str,
        command: str = "",
        ttl: Seconds = DEFAULT_TTL,
        beat: Seconds = DEFAULT_BEAT,
        holder: Holder | None = None,
        tell: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._engine = engine
        self._run = run
        self._beat = beat
        self._tell = tell
        self._labels = {
            RUN: run,
            ROLE: "lease",
            TTL: f"{ttl:g}",
            COMMAND: command,
            **(holder or this_process()).labels,
        }
        self._number = 0
        self._held: str | None = None
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self) -> None:
        """Take the lease and keep it alive from a thread of its own."""
        if any(lease.run == self._run for lease in leases(self._engine)):
            raise UsageError(f"run {self._run}: has a lease already; a run's name is used once")
        self.renew()
        self._thread = threading.Thread(target=self._keep, name=f"lease of {self._run}", daemon=True)
        self._thread.start()

    def renew(self) -> None:
        """Make the next config, then remove the last: at no instant is there none."""
        before, self._number = self._held, self._number + 1
        name = lease_name(self._run, self._number)
        self._held = self._engine.create_config(name, content=self._run.encode(), labels=self._labels)
        if before:
            self._engine.remove_config(before)

    def give_back(self) -> None:
        """End the heartbeat and remove the lease, unless it was left kept or never taken. Works twice."""
        self._stop()
        if KEPT in self._labels or self._number == 0:
            return
        for lease in leases(self._engine):
            if lease.run == self._run:
                self._engine.remove_config(lease.config)
        self._held = None

    def leave_kept(self, *, ttl: Seconds) -> None:
        """Leave what the run made for `ttl` seconds, after which it is reaped as a dead run's is."""
        self._stop()
        self._labels = {RUN: self._run, ROLE: "lease", TTL: f"{ttl:g}", KEPT: "true"}
        self.renew()

    def _stop(self) -> None:
        self._ending.set()
        if self._thread:
            self._thread.join()

    def _keep(self) -> None:
        while not self._ending.wait(self._beat):
            try:
                self.renew()
            except CcCiError as error:
                # the run's own calls will fail, and say so, if this goes on
                self._tell(f"lease of {self._run}: not renewed: {error}")


@contextlib.contextmanager
def leased(keeper: Keeper) -> Iterator[None]:
    keeper.take()
    try:
        yield
    finally:
        keeper.give_back()
