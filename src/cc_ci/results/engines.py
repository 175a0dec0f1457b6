"""The engine that runs were on, by all its parts: times of two engines are never pooled."""

import re
from collections.abc import Iterable

import msgspec

from cc_ci.results.schema import Environment

OR = " or "


class EngineUsed(msgspec.Struct, frozen=True, kw_only=True):
    """One engine; a part is None where a result does not tell it."""

    engine: str | None = None
    containerd: str | None = None
    runc: str | None = None
    image_store: str | None = None
    cgroup: str | None = None

    def __str__(self) -> str:
        cgroup = self.cgroup and f"cgroup v{self.cgroup}"
        parts = (
            self.engine or "unknown",
            self.named("containerd"),
            self.named("runc"),
            self.image_store,
            cgroup,
        )
        return ", ".join(part for part in parts if part)

    def named(self, part: str) -> str | None:
        value = getattr(self, part)
        return value and f"{part} {value}"

    def like(self, other: "EngineUsed") -> bool:
        """Whether no part is known to be another one."""
        ours, theirs = msgspec.structs.astuple(self), msgspec.structs.astuple(other)
        return all(None in pair or pair[0] == pair[1] for pair in zip(ours, theirs, strict=True))


def engine_of(environment: Environment) -> EngineUsed:
    return EngineUsed(
        engine=environment.engine,
        containerd=environment.containerd,
        runc=environment.runc,
        image_store=environment.image_store,
        cgroup=environment.cgroup_version,
    )


def short_name(name: str) -> str:
    """Of an engine's root the version: 28.5.2 of docker-28.5.2+dfsg4-5_containerd-2.1.9."""
    found = re.match(r"docker-(\d+(?:\.\d+)*)", name)
    return found[1] if found else name


def mixed(engines: Iterable[EngineUsed]) -> str | None:
    """All of them in words where they are not alike, else None."""
    there = list(dict.fromkeys(engines))
    alike = all(one.like(other) for one in there for other in there)
    return None if alike else OR.join(sorted(map(str, there)))
