"""The shapes that a plan can have: which stages share a deployment; pure.

Y: the new version, tested, backed up and restored in place. X: the old version, upgraded and tested. Z: the
restore on a fresh deployment. See DESIGN.md section 3.1, and decision 0028.
"""

from collections.abc import Collection
from typing import Literal, NamedTuple

from cc_ci.pipeline.chain import Chain, ChainBuilder, marker
from cc_ci.pipeline.known import Known
from cc_ci.pipeline.plan import Action
from cc_ci.results.schema import StageName

PULL = "pull"
PROVIDE = "provide"
BACKED_UP = "the data that is backed up, overwritten and restored in place"
FRESH_DEPLOYMENT = "fresh"
RESTORED_AHEAD: tuple[Action, ...] = ("restore", "deploy", "verify_restore")
FRESH = "an empty twin of {}: its backup must be enough by itself"
UPGRADED = "the old version with seeded data, upgraded in place and tested again"
BACKED_UP_UPGRADED = f"{UPGRADED}, and backed up with what both versions wrote"
RESTORED_OVER = (
    "a fresh install of the new version with the domain and secrets of {}: tested, given data of its own, "
    "and restored over"
)
ALL_UPGRADED = "the old version with seeded data, upgraded in place, for all stages"


class Proof(NamedTuple):
    """What a shape shows of a backup, and no other shape does."""

    only_here: str
    not_here: str


OF_CHAINS2 = Proof(
    only_here="the backup of an upgraded app, restored over another that was used",
    not_here="the restore over the app that was backed up, and on one that was never used, is not tested",
)
OF_OTHERS = Proof(
    only_here="the restore over the app that was backed up, and on one that was never used",
    not_here="the backup of an upgraded app is not tested",
)


def by_stage(known: Known, due: Collection[StageName], *, checks: bool) -> tuple[Chain, ...]:
    """Every stage deploys for itself; only the restore in place goes on where the backup was made.

    `checks` asks the engine for its services.
    """
    chains = []
    if "install" in due:
        chains.append(_install(known, checks=checks, last=checks and "functional" not in due))
    if "upgrade" in due:
        chains.append(_upgrade(known))
    if "backup" in due:
        chains.extend([_backup_and_restore(), _fresh("backup", known)])
    if "functional" in due:
        chains.append(_tested("functional", known, needs=PULL, last=checks))
    if "sso" in due and known.has_sso_tests:
        chains.append(_tested("sso", known, needs=PROVIDE, last=False))
    return tuple(chains)


def chains3(known: Known, due: Collection[StageName], *, checks: bool) -> tuple[Chain, ...]:
    """As few deployments as show the same; `checks` as above."""
    chains = [_all_of_new(known, due, checks=checks)]
    if "upgrade" in due:
        chains.append(_upgrade(known))
    if "backup" in due:
        chains.append(_fresh("install", known))
    return tuple(chains)


def chains2(known: Known, due: Collection[StageName], *, checks: bool) -> tuple[Chain, ...]:
    """X is backed up once it is upgraded, and restored over Y, which was tested and has data of its own.

    There has to be an old version, and something to back up; `gives_way` says so.
    """
    old = ChainBuilder("upgrade", needs=(PULL,))
    _upgrade_in_place(old, known, why=BACKED_UP_UPGRADED)
    if known.has_suite:
        old.then("test", stage="upgrade", deployment="upgrade")
    old.then("seed", stage="backup", deployment="upgrade")
    older = (marker("upgrade", "upgrade"),) if known.can_mark else ()
    old.then("backup", stage="backup", deployment="upgrade", also_uses=older)
    old.undeployed("upgrade", stage="upgrade")
    new = ChainBuilder("install", needs=(PULL,))
    new.deployed("install", stage="install", why=RESTORED_OVER.format("upgrade"), twin_of="upgrade")
    _tested_as_new(new, known, due, stage="install", checks=checks)
    new.then("fill", stage="restore", deployment="install")
    over = new.going_on("restore", needs=("upgrade.backup.backup",))
    over.then("restore", stage="restore", deployment="install")
    again = over.going_on("restored")
    again.then("redeploy", stage="restore", deployment="install")
    again.then("verify_restore", stage="restore", deployment="install")
    _ended(again, known, due, stage="install", checks=checks)
    return old.done(), new.done(), over.done(), again.done()


def gives_way(known: Known, due: Collection[StageName]) -> str | None:
    """Why a recipe is not tested in chains2, None if it is."""
    if known.unshared:
        return f"suite.toml: share = false: {known.unshared}"
    if "backup" not in due:
        return "there is nothing to back up"
    return None if "upgrade" in due else "there is no old version whose upgrade is backed up"


def upgraded(known: Known, due: Collection[StageName], *, checks: bool) -> tuple[Chain, ...]:
    """One deployment for all: the old version, upgraded in place, and every later stage on what came of it.

    Where there is no old version it is the new one. A restore on a fresh deployment is not tested, nor beside
    an upgrade a fresh install.
    """
    if "upgrade" not in due:
        return (_all_of_new(known, due, checks=checks),)
    chain = ChainBuilder("upgrade", needs=(PULL,))
    _upgrade_in_place(chain, known, why=ALL_UPGRADED)
    _tested_and_removed(chain, known, due, stage="upgrade", checks=checks)
    return (chain.done(),)


def _install(known: Known, *, checks: bool, last: bool) -> Chain:
    chain = ChainBuilder("install", needs=(PULL,))
    chain.deployed("install", stage="install", why="a fresh install of the new version")
    if checks:
        chain.then("check", stage="install", deployment="install")
    if last:
        _hard_times(chain, known, stage="install", deployment="install")
    chain.undeployed("install", stage="install")
    return chain.done()


def _upgrade(known: Known) -> Chain:
    chain = ChainBuilder("upgrade", needs=(PULL,))
    _upgrade_in_place(chain, known, why=UPGRADED)
    if known.has_suite:
        chain.then("test", stage="upgrade", deployment="upgrade")
    chain.undeployed("upgrade", stage="upgrade")
    return chain.done()


def _upgrade_in_place(chain: ChainBuilder, known: Known, *, why: str) -> None:
    # an image of the old version that is gone says nothing of the new one's install
    chain.then("pull", stage="upgrade", deployment="upgrade", if_broken="unverified")
    chain.deployed("upgrade", stage="upgrade", versions=("old", "new"), why=why)
    if known.can_mark:
        chain.then("seed", stage="upgrade", deployment="upgrade", if_broken="unverified")
    chain.then("upgrade", stage="upgrade", deployment="upgrade")
    chain.then("verify_upgrade", stage="upgrade", deployment="upgrade")


def _backup_and_restore() -> Chain:
    chain = ChainBuilder("backup", needs=(PULL,))
    chain.deployed("backup", stage="backup", why=BACKED_UP)
    _back_up_and_restore(chain, "backup")
    chain.undeployed("backup", stage="restore")
    return chain.done()


def _hard_times(chain: ChainBuilder, known: Known, *, stage: StageName, deployment: str) -> None:
    """What an app goes through once in a run, on a deployment that is about to go."""
    if known.soak:
        chain.then("soak", stage=stage, deployment=deployment)
    chain.then("kill", stage=stage, deployment=deployment)


def _tested(stage: StageName, known: Known, *, needs: str, last: bool) -> Chain:
    chain = ChainBuilder(stage, needs=(needs,))
    chain.deployed(stage, stage=stage, why=f"a fresh install for the tests of stage {stage}")
    chain.then("test", stage=stage, deployment=stage)
    if last:
        _hard_times(chain, known, stage=stage, deployment=stage)
    chain.undeployed(stage, stage=stage)
    return chain.done()


def _all_of_new(known: Known, due: Collection[StageName], *, checks: bool) -> Chain:
    chain = ChainBuilder("install", needs=(PULL,))
    chain.deployed("install", stage="install", why="a fresh install of the new version, for all its stages")
    _tested_and_removed(chain, known, due, stage="install", checks=checks)
    return chain.done()


def _tested_and_removed(
    chain: ChainBuilder,
    known: Known,
    due: Collection[StageName],
    *,
    stage: Literal["install", "upgrade"],
    checks: bool,
) -> None:
    """All stages after `stage`, on its deployment of the same name."""
    _tested_as_new(chain, known, due, stage=stage, checks=checks)
    if "backup" in due:
        _back_up_and_restore(chain, stage)
    _ended(chain, known, due, stage=stage, checks=checks)


def _tested_as_new(
    chain: ChainBuilder,
    known: Known,
    due: Collection[StageName],
    *,
    stage: Literal["install", "upgrade"],
    checks: bool,
) -> None:
    if checks:
        chain.then("check", stage=stage, deployment=stage)
    if "functional" in due:
        chain.then("test", stage="functional", deployment=stage)
    if "sso" in due and known.has_sso_tests:
        chain.then("test", stage="sso", deployment=stage)


def _ended(
    chain: ChainBuilder,
    known: Known,
    due: Collection[StageName],
    *,
    stage: Literal["install", "upgrade"],
    checks: bool,
) -> None:
    if checks:
        last: StageName = "functional" if "functional" in due else stage
        _hard_times(chain, known, stage=last, deployment=stage)
    chain.undeployed(stage, stage=stage)


def _fresh(origin: str, known: Known) -> Chain:
    """Proves the backup by itself, so it does not wait for the restore in place to pass."""
    chain, why = ChainBuilder(FRESH_DEPLOYMENT, needs=(f"{origin}.backup.backup",)), FRESH.format(origin)
    if known.restore_ahead:
        chain.prepared(FRESH_DEPLOYMENT, stage="restore", why=f"{why}; it boots on it", twin_of=origin)
        for action in RESTORED_AHEAD:
            chain.then(action, stage="restore", deployment=FRESH_DEPLOYMENT)
    else:
        chain.deployed(FRESH_DEPLOYMENT, stage="restore", why=why, twin_of=origin)
        _restored(chain, FRESH_DEPLOYMENT)
    chain.undeployed(FRESH_DEPLOYMENT, stage="restore")
    return chain.done()


def _back_up_and_restore(chain: ChainBuilder, deployment: str) -> None:
    chain.then("seed", stage="backup", deployment=deployment)
    chain.then("backup", stage="backup", deployment=deployment)
    chain.then("overwrite", stage="restore", deployment=deployment)
    _restored(chain, deployment)


def _restored(chain: ChainBuilder, deployment: str) -> None:
    chain.then("restore", stage="restore", deployment=deployment)
    chain.then("redeploy", stage="restore", deployment=deployment)
    chain.then("verify_restore", stage="restore", deployment=deployment)
