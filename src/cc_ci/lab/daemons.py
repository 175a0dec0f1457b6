"""Programs that go on after cc-ci has ended: started once, known again, ended in order."""

import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from cc_ci.lab.places import Places
from cc_ci.system.clock import Clock
from cc_ci.system.environment import for_child
from cc_ci.system.files import write_atomic
from cc_ci.system.identity import Identity, signal_process
from cc_ci.system.units import Seconds
from cc_ci.system.waiting import WaitTimeout, wait_until


class Daemon:
    """One program of a node; `folder` keeps who it is, `log` what it says.

    A record of a process that is gone, be it by a kill or by a reboot, counts as none.
    """

    def __init__(self, name: str, *, folder: Path, log: Path, clock: Clock) -> None:
        self.name = name
        self.log = log
        self._record = folder / f"{name}.process.json"
        self._clock = clock

    @property
    def identity(self) -> Identity | None:
        """The running process, or None."""
        try:
            identity = msgspec.json.decode(self._record.read_bytes(), type=Identity)
        except (OSError, msgspec.MsgspecError):
            return None
        return identity if identity.alive else None

    def start(self, argv: Sequence[str], *, env: Mapping[str, str] | None = None) -> bool:
        """Start it unless it runs; True if it was started now."""
        if self.identity:
            return False
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=for_child(env),
                cwd="/",
                start_new_session=True,
            )
        write_atomic(self._record, msgspec.json.encode(Identity.of(process.pid)))
        return True

    def stop(self, *, patience: Seconds) -> None:
        """Ask it to end, and kill it after `patience` seconds. Works twice."""
        identity = self.identity
        if identity and signal_process(identity, signal.SIGTERM):
            try:
                self._gone(identity, timeout=patience)
            except WaitTimeout:
                signal_process(identity, signal.SIGKILL)
                self._gone(identity, timeout=patience)
        self._record.unlink(missing_ok=True)

    def _gone(self, identity: Identity, *, timeout: Seconds) -> None:
        wait_until(
            lambda: identity.alive,
            name=f"{self.name} to end",
            ready=lambda alive: not alive,
            timeout=timeout,
            clock=self._clock,
            interval=0.05,
        )

    def last_words(self) -> str:
        try:
            lines = self.log.read_text(errors="replace").strip().splitlines()
        except OSError:
            lines = []
        return lines[-1] if lines else "it said nothing"


def daemon_of(node: Places, name: str, *, clock: Clock) -> Daemon:
    """One of a private node's own."""
    return Daemon(name, folder=node.runtime, log=node.logs / f"{name}.log", clock=clock)
