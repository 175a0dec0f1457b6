"""Who holds a lease: which process of which boot, so that a dead one near by is known at once."""

import os
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from cc_ci.system.identity import start_time

BoundedCount = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
Presence = Literal["alive", "dead", "out of sight"]


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A process, told from all others without the name of its machine.

    A pid means something only inside one pid namespace of one boot; with its start time it is not reused.
    """

    boot: str
    namespace: BoundedCount
    pid: BoundedCount
    started: BoundedCount

    @property
    def labels(self) -> dict[str, str]:
        return {f"{PREFIX}{name}": str(value) for name, value in msgspec.structs.asdict(self).items()}

    def seen_from(self, here: "Holder", *, proc: Path = Path("/proc")) -> Presence:
        # where not even the first process is shown (hidepid), a missing one says nothing
        if (self.boot, self.namespace) != (here.boot, here.namespace) or not (proc / "1").exists():
            return "out of sight"
        return "alive" if start_time(self.pid, proc=proc) == self.started else "dead"


PREFIX = "cc-ci.holder."


def this_process(*, proc: Path = Path("/proc")) -> Holder:
    pid = os.getpid()
    return Holder(
        boot=(proc / "sys/kernel/random/boot_id").read_text().strip(),
        namespace=(proc / "self/ns/pid").stat().st_ino,
        pid=pid,
        started=start_time(pid, proc=proc) or 0,
    )


def from_labels(labels: dict[str, str]) -> Holder | None:
    """The holder that `labels` describe, or None if they are not ours or not whole."""
    values = {name.removeprefix(PREFIX): value for name, value in labels.items() if name.startswith(PREFIX)}
    try:
        return msgspec.convert(values, Holder, strict=False)
    except msgspec.ValidationError:
        return None
