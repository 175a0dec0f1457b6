"""A run's lease, kept on the node itself, so that every machine and container that uses the node sees it.

A lease is a Swarm config with labels. Configs can't be touched, so renewing one means making the next and
removing the last. Its age is told by the engine's own clock, never by a runner's.
"""

import re
import threading
from collections.abc import Callable

import msgspec

from cc_ci.engine.api import Engine
from cc_ci.engine.labels import ROLE, RUN
from cc_ci.engine.state import Listed
from cc_ci.errors import CcCiError, UsageError
from cc_ci.isolation.holder import Holder, from_labels, this_process
from cc_ci.isolation.items import run_of
from cc_ci.system.printable import one_line
from cc_ci.system.units import Seconds

TTL = "cc-ci.lease.ttl"
COMMAND = "cc-ci.lease.command"
KEPT = "cc-ci.lease.kept"
LEASE_NAME = "cc-ci-lease-"
LONGEST_NAME = 64

DEFAULT_TTL: Seconds = 90.0
LONGEST_TTL: Seconds = 7 * 24 * 3600.0
"""Beyond that of any app that is kept for a look: who asks for more holds the node for ever."""
DEFAULT_BEAT: Seconds = 20.0
"""Four beats may be missed before a lease ends: an engine that unpacks an image answers late."""


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """A lease as the node tells of it; `age` is in seconds of the engine's clock."""

    config: str
    name: str
    run: str
    age: Seconds
    ttl: Seconds = DEFAULT_TTL
    command: str = ""
    kept: bool = False
    holder: Holder | None = None
    fault: str | None = None
    """Why it can't be read; then somebody broke it, and whose it is may not be known either."""


class Liveness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a run lives, and the fact that says so; `kept`: it has ended, its app was left for a look.

    `broken`: its lease can't be read, so `live` is no more than what the lease's age tells.
    """

    run: str
    live: bool
    reason: str
    kept: bool = False
    broken: bool = False


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
    if lease.fault:
        mend = f"`docker config rm {one_line(lease.name, most=80)}` ends it"
        reason = f"its lease can't be read ({lease.fault}), so that all is left as it is; {mend}"
    broken = lease.fault is not None
    return Liveness(run=lease.run, live=live, reason=reason, kept=lease.kept, broken=broken)


def _pid(lease: Lease) -> int:
    return lease.holder.pid if lease.holder else 0


def leases(engine: Engine) -> tuple[Lease, ...]:
    """All leases on the node, broken ones too; during a renewal a run may have two."""
    now = engine.now()
    return tuple(
        # the engine's stamps and its clock may differ by a rounding
        _read(config, age=max(0.0, now - config.created))
        for config in engine.configs(labels={ROLE: "lease"})
    )


def _read(config: Listed, *, age: Seconds) -> Lease:
    labels = config.labels
    run, ttl = run_of(labels), _ttl(labels.get(TTL, f"{DEFAULT_TTL:g}"))
    fault = None if run else f"its label {RUN} is missing or no run's name"
    if ttl is None:
        said = one_line(labels[TTL], most=40)
        fault = fault or f"{TTL}: {said!r} is no number of seconds from 1 to {LONGEST_TTL:g}"
    return Lease(
        config=config.id,
        name=config.name,
        run=run or config.name,
        age=age,
        ttl=DEFAULT_TTL if ttl is None else ttl,
        command=labels.get(COMMAND, ""),
        kept=KEPT in labels,
        holder=from_labels(dict(labels)),
        fault=fault,
    )


def _ttl(text: str) -> Seconds | None:
    """A label is anybody's to write: no text, no infinity and no number of a million digits is a time."""
    if not re.fullmatch(r"\d{1,7}(\.\d{1,6})?", text, re.ASCII):
        return None
    return float(text) if 1 <= float(text) <= LONGEST_TTL else None


def liveness(engine: Engine, *, here: Holder | None = None) -> dict[str, Liveness]:
    """What is known of every run that has a lease; a run with none is dead.

    Of a run with several leases the live one counts, and a broken one only where there is no other.
    """
    me = here or this_process()
    known: dict[str, Liveness] = {}
    for lease in leases(engine):
        judged = judge(lease, me)
        seen = known.get(lease.run)
        if seen is None or (judged.live and not judged.broken) or (seen.broken and not judged.broken):
            known[lease.run] = judged
    return known


def lease_name(run: str, number: int) -> str:
    """A run's end is what makes it unique, so that is kept where the name would be too long."""
    head, tail = LEASE_NAME, f"-{number}"
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
        self._names: set[str] = set()
        self._neighbours: set[str] = set()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self) -> None:
        """Take the lease and keep it alive from a thread of its own."""
        if self._run in self._look():
            raise UsageError(f"run {self._run}: has a lease already; a run's name is used once")
        self.renew()
        self._thread = threading.Thread(target=self._keep, name=f"lease of {self._run}", daemon=True)
        self._thread.start()

    def renew(self) -> None:
        """Make the next config, then remove the last: at no instant is there none."""
        before, self._number = self._held, self._number + 1
        name = lease_name(self._run, self._number)
        self._names.add(name)
        self._held = self._engine.create_config(name, content=self._run.encode(), labels=self._labels)
        if before:
            self._engine.remove_config(before)

    def give_back(self) -> None:
        """End the heartbeat and remove the lease, unless it was left kept or never taken. Works twice."""
        self._stop()
        if KEPT in self._labels or self._number == 0:
            return
        for lease in leases(self._engine):
            if lease.run == self._run and lease.name in self._names:
                self._engine.remove_config(lease.config)
        self._held = None

    def neighbours(self) -> frozenset[str]:
        """The other runs that had something on the node at any beat since the lease was taken."""
        self._look()
        return frozenset(self._neighbours)

    def _look(self) -> set[str]:
        """The runs that have a lease now; those that died before this one came do nothing any more."""
        known = liveness(self._engine)
        self._neighbours |= {run for run, seen in known.items() if seen.live and run != self._run}
        return set(known)

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
                self._look()
            except CcCiError as error:
                # the run's own calls will fail, and say so, if this goes on
                self._tell(f"lease of {self._run}: not renewed: {error}")
