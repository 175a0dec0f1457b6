"""The plan in which all stages of a chain share its deployment; pure.

Y: the new version, tested, backed up and restored in place. X: the old version, upgraded and tested. Z: the
restore on a fresh deployment. See DESIGN.md section 3.1.
"""

from cc_ci.pipeline.plan import Plan
from cc_ci.pipeline.planner import (
    Known,
    Segment,
    decided_stages,
    finish,
    opening,
    upgrading,
    with_provider,
)


def plan_chains(known: Known, *, checks: bool) -> Plan:
    """Plan every stage on as few deployments as show the same; `checks` asks the engine for its services."""
    decided = decided_stages(known)
    there = {"install", "upgrade", "backup", "functional", "sso"} - {one.stage for one in decided}
    steps = opening(known)
    segments = [_install_chain(known, there, checks=checks)]
    if "upgrade" in there:
        segments.append(upgrading(known))
    if "backup" in there:
        segments.append(_fresh_chain())
    for segment in segments:
        steps.extend(with_provider(step) if known.provider else step for step in segment.steps)
    deployments = tuple(one for segment in segments for one in segment.deployments)
    return finish(Plan(deployments=deployments, steps=tuple(steps), decided=decided), keep=False)


def _install_chain(known: Known, there: set[str], *, checks: bool) -> Segment:
    chain = Segment(needs=("pull",))
    chain.deployed("install", stage="install", version="new")
    if checks:
        chain.then("check", stage="install", deployment="install")
    if "functional" in there:
        chain.then("test", stage="functional", deployment="install")
    if "sso" in there and known.has_sso_tests:
        chain.then("test", stage="sso", deployment="install")
    if "backup" in there:
        chain.then("seed", stage="backup", deployment="install")
        chain.then("backup", stage="backup", deployment="install")
        chain.then("overwrite", stage="restore", deployment="install")
        _restored(chain, "install")
    chain.undeployed("install", stage="install")
    return chain


def _fresh_chain() -> Segment:
    chain = Segment(needs=("install.backup.backup",))
    chain.deployed("fresh", stage="restore", version="new", twin_of="install")
    _restored(chain, "fresh")
    chain.undeployed("fresh", stage="restore")
    return chain


def _restored(chain: Segment, deployment: str) -> None:
    chain.then("restore", stage="restore", deployment=deployment)
    chain.then("redeploy", stage="restore", deployment=deployment)
    chain.then("verify_restore", stage="restore", deployment=deployment)
