"""What the planner must know, and which stages that decides by itself; pure."""

import msgspec

from cc_ci.pipeline.plan import Decided
from cc_ci.recipes.versions import NoVersionBefore
from cc_ci.results.schema import StageName
from cc_ci.system.units import Bytes

MIB = 1024 * 1024
FIRST_RELEASE = NoVersionBefore(outcome="skipped", reason="first release: no earlier version is published")


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What one deployment takes of a node at its peak, as its suite says."""

    memory_bytes: Bytes = 256 * MIB
    cpus: float = 1.0


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the planner must know of the recipe and its suite."""

    previous_version: str | None
    no_previous: NoVersionBefore | None = None
    has_suite: bool
    provider: str | None = None
    """What the suite needs to sign on."""
    has_sso_tests: bool = False
    stateless: bool = False
    unbacked: tuple[str, ...] = ()
    """A line for each volume that no backup would have, and nothing leaves out on purpose."""
    left_out: tuple[str, ...] = ()
    """A line for each that is left out on purpose."""
    backed_up: bool = False
    """Backup labels are there."""
    can_seed: bool = True
    """There is a way to put a marker in that a backup has."""
    soak: bool = False
    """The app is left alone for a while, and has to live on."""
    unshared: str | None = None
    """Why its suite wants no deployment that is used before it is restored over."""
    restore_hook: str | None = None
    """Where the recipe has a command run in its app at a restore: such an app has to be up."""
    restore_ahead: bool = False
    """A fresh deployment gets its data before its first boot."""
    tied: str | None = None
    """Where the recipe tells its app the stack's name, which may get into the app's data."""
    fixed_names: tuple[str, ...] = ()
    """Where the recipe fixes the name of a thing that two deployments would both make."""
    load: Load = Load()
    provider_load: Load | None = None
    can_mark: bool = True
    """There is a way to put a marker in that an upgrade has to leave."""


def decided_stages(known: Known) -> tuple[Decided, ...]:
    """The stages that can't run or need not, with their outcome."""
    found: list[Decided] = []
    if known.previous_version is None:
        why = known.no_previous or FIRST_RELEASE
        found.append(Decided(stage="upgrade", outcome=why.outcome, reason=why.reason))
    found.extend(_decided_of_backup(known))
    if not known.has_suite:
        found.append(_skipped("functional", "no suite: generic checks only"))
    if known.provider is None:
        found.append(_skipped("sso", "the suite needs no provider of single sign-on"))
    return tuple(found)


def _decided_of_backup(known: Known) -> list[Decided]:
    both: tuple[StageName, StageName] = ("backup", "restore")
    if known.stateless:
        return [_skipped(stage, "the suite declares the app stateless") for stage in both]
    if known.unbacked:
        return [Decided(stage=stage, outcome="failed", reason="; ".join(known.unbacked)) for stage in both]
    if known.backed_up and not known.can_seed:
        reason = "nothing can put a marker in: no suite, and no volume is backed up whole"
        return [Decided(stage=stage, outcome="unverified", reason=reason) for stage in both]
    if known.backed_up:
        return []
    reason = "; ".join(known.left_out) or "no volume that a backup would have to keep"
    return [_skipped(stage, reason) for stage in both]


def _skipped(stage: StageName, reason: str) -> Decided:
    return Decided(stage=stage, outcome="skipped", reason=reason)
