"""Removing what dead runs left on a node, and leaving what live ones have there."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from cc_ci.engine.api import Engine
from cc_ci.engine.labels import ROLE, RUN
from cc_ci.errors import InfrastructureError
from cc_ci.isolation.census import KINDS, Census, Item, Kind, take
from cc_ci.isolation.leases import Liveness, liveness
from cc_ci.system.clock import Clock
from cc_ci.system.units import Seconds
from cc_ci.system.waiting import WaitTimeout, wait_until

NO_LEASE = "no lease on the node"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be removed, in order, and of which runs nothing is."""

    dead: tuple[Liveness, ...]
    spared: tuple[Liveness, ...]
    items: tuple[Item, ...]


class Reaped(msgspec.Struct, frozen=True, kw_only=True):
    """What was removed, and one line for each thing that could not be."""

    plan: Plan
    removed: tuple[Item, ...] = ()
    folders: tuple[Path, ...] = ()
    failed: tuple[str, ...] = ()


def plan(census: Census, known: Mapping[str, Liveness], *, only: str | None = None) -> Plan:
    """Decide from a census and what is known of the runs' leases; a run without a lease is dead.

    `only` names one run; one that was kept for a look goes when it is named.
    """
    runs = sorted({*census.runs(), *known})
    judged = [
        known.get(run, Liveness(run=run, live=False, reason=NO_LEASE)) for run in runs if only in (None, run)
    ]
    dead = tuple(run for run in judged if not run.live or (run.kept and run.run == only))
    gone = {run.run for run in dead}
    items = sorted((item for item in census.items if item.run in gone), key=_turn)
    return Plan(dead=dead, spared=tuple(run for run in judged if run not in dead), items=tuple(items))


def _turn(item: Item) -> tuple[int, str]:
    return KINDS.index(item.kind), item.name


class Reaper:
    """Remove things of dead runs, beside live ones. Works twice.

    `folder_of` tells a run's scratch folder; `certificates` is the folder that a private node's proxy reads.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Clock,
        folder_of: Callable[[str], Path] | None = None,
        certificates: Path | None = None,
        timeout: Seconds = 60.0,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._folder_of = folder_of
        self._certificates = certificates
        self._timeout = timeout

    def plan(self, *, only: str | None = None) -> Plan:
        return plan(take(self._engine), liveness(self._engine), only=only)

    def reap(self, *, only: str | None = None) -> Reaped:
        """Remove all that the plan names; what can't go at once (a network in use) is tried until it can."""
        decided = self.plan(only=only)
        runs = {run.run for run in decided.dead}
        failed = self._remove_all(decided) if decided.items else ()
        folders = tuple(folder for run in sorted(runs) if (folder := self._remove_folder(run)))
        self._remove_certificates({item.stack for item in decided.items if item.stack})
        if not failed:
            self._remove_leases(runs)
        left = {(item.kind, item.id) for item in take(self._engine).items}
        removed = tuple(item for item in decided.items if (item.kind, item.id) not in left)
        return Reaped(plan=decided, removed=removed, folders=folders, failed=failed)

    def _remove_all(self, decided: Plan) -> tuple[str, ...]:
        # once its services are gone, nothing says of a volume whose it was, so stacks are remembered
        owned = {owner for item in decided.items for owner in (item.run, item.stack) if owner}
        failed: dict[str, str] = {}

        def sweep() -> tuple[Item, ...]:
            """Look what is there, and remove it; the next look tells what came of it."""
            failed.clear()
            there = [item for item in take(self._engine).items if {item.run, item.stack} & owned]
            for item in sorted(there, key=_turn):
                if error := self._remove(item):
                    failed[item.id] = f"{item.kind} {item.name}: {error}"
            return tuple(there)

        try:
            wait_until(
                sweep,
                name="removal of dead runs",
                ready=lambda there: not there,
                timeout=self._timeout,
                clock=self._clock,
                interval=0.5,
            )
        except WaitTimeout:
            return tuple(failed.values()) or ("removal of dead runs: what was removed came back",)
        return ()

    def _remove(self, item: Item) -> str | None:
        try:
            self._removal(item.kind)(item.id)
        except InfrastructureError as error:
            return str(error)
        return None

    def _removal(self, kind: Kind) -> Callable[[str], None]:
        removals: dict[Kind, Callable[[str], None]] = {
            "service": self._engine.remove_service,
            "container": self._engine.remove_container,
            "network": self._remove_network,
            "volume": self._engine.remove_volume,
            "secret": self._engine.remove_secret,
            "config": self._engine.remove_config,
        }
        return removals[kind]

    def _remove_network(self, network: str) -> None:
        """The proxy, which is no run's, may still be in it."""
        name = next((listed.name for listed in self._engine.networks() if listed.id == network), network)
        for container in self._engine.containers():
            state = self._engine.container(container.id)
            if state and name in state.addresses:
                self._engine.disconnect_network(network, container.id)
        self._engine.remove_network(network)

    def _remove_leases(self, runs: set[str]) -> None:
        """Locks and leases go last: an interrupted reaper leaves what tells the next one of the run."""
        for config in (*self._engine.configs({ROLE: "lock"}), *self._engine.configs({ROLE: "lease"})):
            if config.labels.get(RUN) in runs:
                self._engine.remove_config(config.id)

    def _remove_folder(self, run: str) -> Path | None:
        folder = self._folder_of(run) if self._folder_of else None
        if folder is None or not folder.is_dir():
            return None
        shutil.rmtree(folder, ignore_errors=True)
        return folder

    def _remove_certificates(self, stacks: set[str]) -> None:
        """A stack is named after its domain, and a certificate's file after the host."""
        for file in self._certificates.iterdir() if self._certificates else ():
            host = file.stem.replace(".", "_")
            if any(host == stack or host.endswith(f"_{stack}") for stack in stacks):
                file.unlink(missing_ok=True)
