"""The least time that a run's work can take on a machine, from the terms of a run on plain containers. Pure.

What each term is, where it is read, and what could make it less is in docs/reference/limit.md; why it is
measured so, in docs/decisions/0015. It is the least of these chains as they are planned, and of no others.

    X = B(old) + S + K + W(new) + A_u
    Y = B(new) + max(A_f, A_s) + S + D_b + O + K + D_r + W(new) + A_b
    Z = (Y up to D_b) + B(new) + D_r + W(new) + A_b
    three chains: L = P + max(X, Y, Z, CPU, disk, memory)
    two chains, X restored over Y:
        L = P + max(max(X + S + D_b, B(new) + max(A_f, A_s) + O) + K + D_r + W(new) + A_b, CPU, disk, memory)
    one deployment, upgraded in place, with which nobody tests a fresh install or a fresh restore:
        L = P + max(B(old) + S + K + W(new) + max(A_f, A_s) + S + D_b + O + K + D_r + W(new) + A_b, and so on)

B boot on empty volumes, W boot on existing data with what migrates then, S seed, O what is changed or put in
for the restore to undo, K graceful stop, A test actions, D data copied by the recipe's hooks and
restic, P the provider's boot and wiring and the pulls. CPU: seconds that the work needs, on all CPUs. Disk:
bytes written, at its rate. Memory: what has to be resident times how long, in what the node has for it.
"""

from typing import Literal, TypeVar

import msgspec

from cc_ci.perf.baselines.sets import Calls
from cc_ci.system.units import Bytes, Seconds

PlanShape = Literal["chains3", "chains2", "upgraded"]
"""Of plans, as the lever `plan.shape` has them; a plan of stages that deploy for themselves has none of its
own: it does no less than chains3."""
PLANNED: PlanShape = "chains3"
"""What runs on plain containers are planned as."""
Amount = TypeVar("Amount", int, float)
UPGRADE, INSTALL, FRESH = "upgrade chain", "install chain", "fresh chain"


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    """What work takes of a node, in whatever order it is done; None where it was not measured."""

    cpu_seconds: Seconds | None = None
    written_bytes: Bytes | None = None
    resident_byte_seconds: float | None = None


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """What a node has of what work needs; `disk_rate` in bytes a second. None where it is not known."""

    cpus: float
    disk_rate: float | None = None
    memory_bytes: Bytes | None = None


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of each part of one bare run; 0 where the recipe has no such part."""

    provider: Seconds = 0.0
    boot_old: Seconds = 0.0
    seed_old: Seconds = 0.0
    stop_upgrade: Seconds = 0.0
    boot_upgraded: Seconds = 0.0
    """W, and M, the migration: the new version cannot serve before it has migrated."""
    act_upgraded: Seconds = 0.0
    boot_new: Seconds = 0.0
    act_functional: Seconds = 0.0
    act_sso: Seconds = 0.0
    seed_new: Seconds = 0.0
    backup: Seconds = 0.0
    overwrite: Seconds = 0.0
    """What a restore has to undo: seeds changed, deleted and added after the backup."""
    fill: Seconds = 0.0
    """The same in an app that another one's backup is restored over."""
    restore: Seconds = 0.0
    stop_restored: Seconds = 0.0
    boot_restored: Seconds = 0.0
    act_restored: Seconds = 0.0
    boot_fresh: Seconds = 0.0
    restore_fresh: Seconds = 0.0
    boot_fresh_restored: Seconds = 0.0
    act_fresh: Seconds = 0.0
    pulls: Seconds = 0.0
    cpu_seconds: Seconds | None = None
    """Of the whole run, less what provider and pulls used; of suites and restic where they were counted."""
    written_bytes: Bytes | None = None
    """Of the whole run; a lower bound under cgroup v1."""
    resident_byte_seconds: float | None = None
    """Of the chains, beyond what stands all the time."""
    standing_bytes: Bytes | None = None
    """What is resident all the time: the engine, the proxy, a provider."""
    spared: dict[PlanShape, Needs] = {}
    """What plans of another shape do without, of what the whole run needed; empty where it is not known."""


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """The limit of one bare run, and what binds it; `before` all else come the provider and the pulls."""

    before: Seconds
    chains: dict[str, Seconds]
    cpu: Seconds | None
    disk: Seconds | None
    memory: Seconds | None = None

    @property
    def longest_chain(self) -> str:
        return max(self.chains, key=lambda name: self.chains[name])

    @property
    def bounds(self) -> dict[str, Seconds]:
        others = {"CPU": self.cpu, "disk": self.disk, "memory": self.memory}
        return {**self.chains, **{name: value or 0.0 for name, value in others.items()}}

    @property
    def binds(self) -> str:
        return max(self.bounds, key=lambda name: self.bounds[name])

    @property
    def seconds(self) -> Seconds:
        """L."""
        return self.before + self.bounds[self.binds]


def chains(terms: Terms, shape: PlanShape = PLANNED) -> dict[str, tuple[str, ...]]:
    """The names of the terms that each chain is made of, one after the other."""
    act = "act_functional" if terms.act_functional >= terms.act_sso else "act_sso"
    upgraded = ("boot_old", "seed_old", "stop_upgrade", "boot_upgraded", "act_upgraded")
    tested, saved = ("boot_new", act), ("seed_new", "backup")
    restored = ("restore", "stop_restored", "boot_restored", "act_restored")
    fresh = ("boot_fresh", "restore_fresh", "boot_fresh_restored", "act_fresh")
    if _own(shape, terms) == "upgraded":
        return {UPGRADE: (*upgraded[:-1], act, *saved, "overwrite", *restored)}
    if _own(shape, terms) == "chains2":
        # a run of three chains puts in such data after its backup alone
        fill = "fill" if terms.fill else "seed_new"
        return {UPGRADE: (*upgraded, *saved, *restored), INSTALL: (*tested, fill, *restored)}
    return {
        UPGRADE: upgraded,
        INSTALL: (*tested, *saved, "overwrite", *restored),
        FRESH: (*tested, *saved, *fresh) if terms.boot_fresh else (),
    }


def limit(terms: Terms, node: Capacity, *, shape: PlanShape = PLANNED) -> Limit:
    """L."""
    needs = _needs(terms, shape)
    return Limit(
        before=terms.provider + terms.pulls,
        chains={
            name: sum(getattr(terms, term) for term in parts) for name, parts in chains(terms, shape).items()
        },
        cpu=_over(needs.cpu_seconds, node.cpus),
        disk=_over(needs.written_bytes, node.disk_rate),
        memory=_over(needs.resident_byte_seconds, _free(terms, node.memory_bytes)),
    )


def _needs(terms: Terms, shape: PlanShape) -> Needs:
    """Where it is not known how much a shape does without, nothing is known of what it needs."""
    if _own(shape, terms) == PLANNED:
        return Needs(
            cpu_seconds=terms.cpu_seconds,
            written_bytes=terms.written_bytes,
            resident_byte_seconds=terms.resident_byte_seconds,
        )
    spared = terms.spared.get(shape, Needs())
    return Needs(
        cpu_seconds=_less(terms.cpu_seconds, spared.cpu_seconds),
        written_bytes=_less(terms.written_bytes, spared.written_bytes),
        resident_byte_seconds=_less(terms.resident_byte_seconds, spared.resident_byte_seconds),
    )


def _own(shape: PlanShape, terms: Terms) -> PlanShape:
    """Without an old version nothing is upgraded, and a plan of any shape is one of three chains."""
    return shape if terms.boot_old else PLANNED


def _less(whole: Amount | None, part: Amount | None) -> Amount | None:
    return None if whole is None or part is None else whole - part


def _over(amount: float | None, rate: float | None) -> Seconds | None:
    return None if amount is None or not rate else amount / rate


def _free(terms: Terms, memory_bytes: Bytes | None) -> float | None:
    """What the chains' apps can have at one time."""
    if memory_bytes is None or terms.standing_bytes is None:
        return None
    return max(0.0, memory_bytes - terms.standing_bytes)


def floor(terms: Terms, calls: Calls, node: Capacity, *, shape: PlanShape = PLANNED) -> Seconds:
    """L with the calls that each chain needs: X one stack made and updated, Y and Z one made, gone, made."""
    swarm = msgspec.structs.replace(
        terms,
        boot_old=_with(terms.boot_old, calls.create),
        boot_upgraded=_with(terms.boot_upgraded, calls.update),
        boot_new=_with(terms.boot_new, calls.create),
        boot_restored=_with(terms.boot_restored, calls.remove + calls.create),
        boot_fresh=_with(terms.boot_fresh, calls.create),
        boot_fresh_restored=_with(terms.boot_fresh_restored, calls.remove + calls.create),
        provider=_with(terms.provider, calls.create + calls.remove),
    )
    return limit(swarm, node, shape=shape).seconds + calls.remove


def _with(seconds: Seconds, calls: Seconds) -> Seconds:
    return seconds + calls if seconds else 0.0
