"""The least time that a run's work can take on a machine, from runs on plain containers. Pure.

The terms of the model (docs/decisions/0015) are the steps of a `bare` run, each measured alone:

    X = B(old) + S + K + W(new) + A_u
    Y = B(new) + max(A_f, A_s) + S + D_b + O + K + D_r + W(new) + A_b
    Z = (Y up to D_b) + B(new) + D_r + W(new) + A_b
    L = P + max(X, Y, Z, CPU seconds / CPUs, bytes written / disk rate)

B boot on empty volumes, W boot on existing data with what migrates then, S seed, O what is changed after the
backup for the restore to undo, K graceful stop, A test actions, D data copied by the recipe's hooks and
restic, P the provider's boot and wiring. Cold adds the transfer and extraction of the layers that are
missing. Waits that only a test's own steps have count as its. P and the pulls come before the chains: a run
that has them beside each other may come below L.
"""

from collections.abc import Sequence

import msgspec

from cc_ci.perf.baselines.sets import Calls
from cc_ci.results.measured import Measured
from cc_ci.results.schema import StageName
from cc_ci.system.units import Bytes, Seconds
from cc_ci.timing.actions import JOIN_PROXY, STOP_CONTAINERS
from cc_ci.timing.spans import Span

INSTALL, UPGRADE, FRESH = "install", "upgrade", "fresh"
"""The deployments of the three chains; pipeline/shapes.py names them."""


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
    """Of the whole run, less what the provider and pulling used."""
    written_bytes: Bytes | None = None
    """Of the whole run; a lower bound under cgroup v1."""


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """The limit of one bare run, and what binds it; `before` all else come the provider and the pulls."""

    before: Seconds
    upgrade_chain: Seconds
    install_chain: Seconds
    fresh_chain: Seconds
    cpu: Seconds | None
    disk: Seconds | None

    @property
    def chains(self) -> dict[str, Seconds]:
        return {
            "upgrade chain": self.upgrade_chain,
            "install chain": self.install_chain,
            "fresh chain": self.fresh_chain,
        }

    @property
    def longest_chain(self) -> str:
        return max(self.chains, key=lambda name: self.chains[name])

    @property
    def bounds(self) -> dict[str, Seconds]:
        return {**self.chains, "CPU": self.cpu or 0.0, "disk": self.disk or 0.0}

    @property
    def binds(self) -> str:
        return max(self.bounds, key=lambda name: self.bounds[name])

    @property
    def seconds(self) -> Seconds:
        """L."""
        return self.before + self.bounds[self.binds]


def terms_of(measured: Measured) -> Terms:
    """The terms of a bare run. Its result must have the spans of its steps."""
    result = measured.result
    if result is None:
        return Terms()
    steps = _Steps(result.spans)
    whole = result.whole
    used = (whole.stack.cpu_seconds, whole.engine.cpu_seconds) if whole else (None, None)
    written = (whole.stack.written_bytes, whole.engine.written_bytes) if whole else (None, None)
    return Terms(
        provider=steps.seconds("provide", stage="sso"),
        boot_old=steps.boot("deploy", UPGRADE),
        seed_old=steps.seconds("seed", UPGRADE),
        stop_upgrade=steps.stopping("upgrade", UPGRADE),
        boot_upgraded=steps.boot("upgrade", UPGRADE),
        act_upgraded=steps.seconds("verify_upgrade", UPGRADE) + steps.seconds("test", UPGRADE),
        boot_new=steps.boot("deploy", INSTALL),
        act_functional=steps.seconds("test", INSTALL, stage="functional"),
        act_sso=steps.seconds("test", INSTALL, stage="sso"),
        seed_new=steps.seconds("seed", INSTALL),
        backup=steps.seconds("backup", INSTALL),
        overwrite=steps.seconds("overwrite", INSTALL),
        restore=steps.seconds("restore", INSTALL),
        stop_restored=steps.stopping("redeploy", INSTALL),
        boot_restored=steps.boot("redeploy", INSTALL),
        act_restored=steps.seconds("verify_restore", INSTALL),
        boot_fresh=steps.boot("deploy", FRESH),
        restore_fresh=steps.seconds("restore", FRESH),
        boot_fresh_restored=steps.boot("redeploy", FRESH),
        act_fresh=steps.seconds("verify_restore", FRESH),
        pulls=pulls(measured),
        cpu_seconds=None if None in used else sum(filter(None, used)) - _cpu_of_added(measured),
        written_bytes=None if None in written else sum(filter(None, written)),
    )


class _Steps:
    def __init__(self, spans: Sequence[Span]) -> None:
        self._steps = [span for span in spans if span.kind == "step"]
        self._inner = [span for span in spans if span.kind != "step"]

    def seconds(
        self, action: str, deployment: str | None = None, *, stage: StageName | None = None
    ) -> Seconds:
        return sum(step.seconds for step in self._of(action, deployment, stage))

    def stopping(self, action: str, deployment: str) -> Seconds:
        return self._inside(action, deployment, STOP_CONTAINERS)

    def boot(self, action: str, deployment: str) -> Seconds:
        """The step without the stop before it and without what Swarm alone needs."""
        aside = self._inside(action, deployment, STOP_CONTAINERS) + self._inside(
            action, deployment, JOIN_PROXY
        )
        return max(0.0, self.seconds(action, deployment) - aside)

    def _of(self, action: str, deployment: str | None, stage: StageName | None = None) -> list[Span]:
        return [
            step
            for step in self._steps
            if step.action == action and deployment in (None, step.deployment) and stage in (None, step.stage)
        ]

    def _inside(self, action: str, deployment: str, within: str) -> Seconds:
        steps = self._of(action, deployment)
        return sum(
            span.seconds
            for span in self._inner
            for step in steps
            if span.action == within
            and span.deployment in (None, deployment)
            and step.start <= span.start
            and (span.end or 0.0) <= (step.end or 0.0)
        )


def pulls(measured: Measured) -> Seconds:
    """Transfer and extraction; the removal before them is the measurement's own."""
    if measured.cell.cache != "cold":
        return 0.0
    found = (part for part in measured.parts if part.phase == "images_pull")
    return sum(part.seconds for part in found if part.kind == "pull")


def _cpu_of_added(measured: Measured) -> Seconds:
    """Of the provider and of pulling, whose seconds are added to what the CPUs need for the rest."""
    added = (part for part in measured.parts if part.phase in {"provider_setup", "images_pull"})
    return sum(part.use.cpu for part in added if part.use)


def limit(terms: Terms, *, cpus: float, disk_rate: float | None = None) -> Limit:
    """L; `disk_rate` in bytes per second, None where it was not measured."""
    to_backup = terms.boot_new + max(terms.act_functional, terms.act_sso) + terms.seed_new + terms.backup
    undone = terms.overwrite + terms.stop_restored + terms.restore
    restored = undone + terms.boot_restored + terms.act_restored
    fresh = terms.boot_fresh + terms.restore_fresh + terms.boot_fresh_restored + terms.act_fresh
    written = terms.written_bytes
    return Limit(
        before=terms.provider + terms.pulls,
        upgrade_chain=terms.boot_old
        + terms.seed_old
        + terms.stop_upgrade
        + terms.boot_upgraded
        + terms.act_upgraded,
        install_chain=to_backup + restored,
        fresh_chain=to_backup + fresh if terms.boot_fresh else 0.0,
        cpu=None if terms.cpu_seconds is None else terms.cpu_seconds / cpus,
        disk=None if written is None or not disk_rate else written / disk_rate,
    )


def floor(terms: Terms, calls: Calls, *, cpus: float, disk_rate: float | None = None) -> Seconds:
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
    return limit(swarm, cpus=cpus, disk_rate=disk_rate).seconds + calls.remove


def _with(seconds: Seconds, calls: Seconds) -> Seconds:
    return seconds + calls if seconds else 0.0
