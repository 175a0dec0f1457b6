"""Whose app took all that it might have, and which limit that was; pure."""

from collections.abc import Iterator, Mapping

import msgspec

from cc_ci.engine.node import AppLimits
from cc_ci.isolation.app_groups import ContainerUse, Owner
from cc_ci.isolation.written import Written
from cc_ci.system.units import Bytes

MORE_MEMORY = "`cc-ci node up --memory` gives the node more"
MORE_DISK = "`cc-ci node up --disk` lets it write more"
FULL = 0.9
"""Of all processes: with so many together, apps ran out of them; with fewer, one reached its own limit."""


class LimitHit(msgspec.Struct, frozen=True, kw_only=True):
    """One limit that was reached; `others`: by what is not this run's, whose app only felt it."""

    deployment: str
    text: str
    others: bool = False


class UsingApp(msgspec.Struct, frozen=True, kw_only=True):
    owner: Owner
    use: ContainerUse

    @property
    def name(self) -> str:
        return f"service {self.owner.service or '?'}"


def hits(
    app: UsingApp, before: ContainerUse, *, beside: Mapping[str, UsingApp], limits: AppLimits
) -> Iterator[LimitHit]:
    """What one app of the run was refused since `before`; `beside` are all on the node, itself included."""
    new = app.use.counts.since(before.counts)
    if new.refused > 0:
        yield _out_of_processes(app, beside=beside, limits=limits)
    if new.killed > 0:
        yield out_of_memory(app, "a process of it was killed", beside=beside, limits=limits)


def _out_of_processes(app: UsingApp, *, beside: Mapping[str, UsingApp], limits: AppLimits) -> LimitHit:
    if sum(one.use.processes for one in beside.values()) < limits.processes * FULL:
        own = app.use.processes_limit or limits.processes_each
        said = f"{app.name}: it started more processes than one container may have here ({own})"
        return LimitHit(
            deployment=app.owner.deployment, text=f"{said}; look for what starts them without end"
        )
    most = max(beside.values(), key=lambda one: one.use.processes, default=app)
    said = f"{app.name}: it could start no process: the apps on the node have all {limits.processes}"
    return _shared(app, most, said=said, has=f"{most.use.processes} of them")


def out_of_memory(app: UsingApp, what: str, *, beside: Mapping[str, UsingApp], limits: AppLimits) -> LimitHit:
    """`what` became of it, in words; its own limit, if it has one, is the recipe's to choose."""
    own = app.use.memory_limit
    if own is not None and own < limits.memory_bytes:
        said = f"{app.name}: {what}: out of memory at its own limit of {size(own)}"
        return LimitHit(
            deployment=app.owner.deployment,
            text=f"{said} (deploy.resources.limits.memory); it needs more, or less to do",
        )
    most = max(beside.values(), key=lambda one: one.use.memory_bytes, default=app)
    said = f"{app.name}: {what}: out of memory: the apps on the node may have {size(limits.memory_bytes)}"
    return _shared(app, most, said=said, has=size(most.use.memory_bytes), mend=f"; {MORE_MEMORY}")


def _shared(app: UsingApp, most: UsingApp, *, said: str, has: str, mend: str = "") -> LimitHit:
    """A limit of all apps together was reached: the one that has most of it reached it."""
    deployment, mine = app.owner.deployment, most.owner.run == app.owner.run
    if most.owner == app.owner:
        return LimitHit(deployment=deployment, text=f"{said}, and it has {has}{mend}")
    whose = most.name if mine else f"run {most.owner.run or '?'}"
    return LimitHit(deployment=deployment, text=f"{said}, and {whose} has {has}{mend}", others=not mine)


def too_much(written: tuple[Written, ...], *, limits: AppLimits) -> LimitHit | None:
    """What a run wrote beyond its limit, if it did; the largest place is named."""
    total = sum(one.size_bytes for one in written)
    if total <= limits.disk_bytes:
        return None
    said = f"the apps of one run may write {size(limits.disk_bytes)} here; {MORE_DISK}"
    return _largest(written, total=total, said=said)


def last_room(written: tuple[Written, ...], *, free: str, large: Bytes) -> LimitHit | None:
    """Who took a disk's last room, if it is this run: it has written at least `large`."""
    total = sum(one.size_bytes for one in written)
    return _largest(written, total=total, said=f"the disk has {free} left") if total >= large else None


def _largest(written: tuple[Written, ...], *, total: Bytes, said: str) -> LimitHit:
    most = max(written, key=lambda one: one.size_bytes)
    has = size(most.size_bytes) if most.size_bytes < total else size(total)
    text = f"service {most.owner.service or '?'}: it wrote {has} ({most.what}): {said}"
    return LimitHit(deployment=most.owner.deployment, text=text)


def size(count: Bytes) -> str:
    if count >= 1 << 60:
        return "more than can be counted"
    return f"{count / (1 << 30):.1f} GiB" if count >= 1 << 30 else f"{count / (1 << 20):.0f} MiB"
