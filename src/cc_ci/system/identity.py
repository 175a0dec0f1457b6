"""Which process a pid means: only with the boot and its start time is it not another one's."""

import os
import signal
from pathlib import Path
from typing import Self

import msgspec

_START_TIME = 22 - 3
"""`starttime` is field 22 of /proc/PID/stat (proc(5)); counted here from the state, the third."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """A process of this machine and this pid namespace; `started` is in clock ticks since boot."""

    boot: str
    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Self:
        return cls(boot=boot_id(), pid=pid, started=start_time(pid) or 0)

    @property
    def alive(self) -> bool:
        return self.boot == boot_id() and start_time(self.pid) == self.started


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def start_time(pid: int, *, proc: Path = Path("/proc")) -> int | None:
    """Clock ticks from boot to the start of process `pid`; None when it is gone or a zombie."""
    try:
        stat = (proc / str(pid) / "stat").read_text()
    except OSError:
        return None
    # the command's name is in brackets and may hold any character, so fields are counted behind it
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[_START_TIME])


def signal_process(identity: Identity, number: int) -> bool:
    """Send a signal, but never to another process that has got the pid since; False if it is gone."""
    try:
        descriptor = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return False
    try:
        # the descriptor holds on to this process: if it is the right one now, it stays so
        if not identity.alive:
            return False
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True
