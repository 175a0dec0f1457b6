"""Make the plan of a run from what is known of the recipe; pure.

The chains are those of the design: install (Y), upgrade (X), restore on a fresh deployment (Z). Under the
`stock` profile each stage deploys for itself, one after the other.
"""

from collections.abc import Sequence

import msgspec

from cc_ci.pipeline.plan import PROVIDE, STAGES, Action, Blame, Decided, Deployment, Plan, Step, Which
from cc_ci.recipes.versions import NoVersionBefore
from cc_ci.results.schema import StageName

FIRST_RELEASE = NoVersionBefore(outcome="skipped", reason="first release: no earlier version is published")


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the planner must know: of the recipe, its suite and what was asked for."""

    previous_version: str | None
    no_previous: NoVersionBefore | None = None
    has_suite: bool
    provider: str | None = None
    """What the suite needs to sign on."""
    has_sso_tests: bool = False
    stateless: bool = False
    volumes: tuple[str, ...] = ()
    backed_up: bool = False
    """Backup labels are there."""
    can_seed: bool = True
    """There is a way to put a marker in and read it back."""


def plan_stock(known: Known, *, only: StageName | None = None, keep: bool = False) -> Plan:
    """Plan every stage with a deployment of its own; `only` leaves one stage and what it needs.

    With `keep` a deployment is left up, so that nothing can be said of the teardown.
    """
    decided = decided_stages(known)
    undecided = {stage.stage for stage in decided}
    steps = opening(known)
    deployments: list[Deployment] = []
    for stage in STAGES:
        if stage in undecided or stage not in _SEGMENTS:
            continue
        segment = _SEGMENTS[stage](known)
        deployments.extend(segment.deployments)
        steps.extend(with_provider(step) if known.provider else step for step in segment.steps)
    plan = Plan(deployments=tuple(deployments), steps=tuple(steps), decided=decided)
    return finish(_restrict(plan, only) if only else plan, keep=keep)


def opening(known: Known) -> list[Step]:
    """What comes before any deployment."""
    steps = [Step(name="pull", action="pull", stage="install")]
    if known.provider:
        steps.append(
            Step(name=PROVIDE, action="provide", stage="sso", deployment=known.provider, needs=("pull",))
        )
    return steps


def decided_stages(known: Known) -> tuple[Decided, ...]:
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
    if known.backed_up and not known.can_seed:
        reason = "nothing can put a marker in: no suite, and no volume is backed up whole"
        return [Decided(stage=stage, outcome="unverified", reason=reason) for stage in both]
    if known.backed_up:
        return []
    if not known.volumes:
        return [_skipped(stage, "no volumes and no backup labels") for stage in both]
    reason = f"volumes without backup labels: {', '.join(known.volumes)}"
    return [Decided(stage=stage, outcome="failed", reason=reason) for stage in both]


def _skipped(stage: StageName, reason: str) -> Decided:
    return Decided(stage=stage, outcome="skipped", reason=reason)


class Segment:
    """Steps in a row, each needing the one before it."""

    def __init__(self, *, needs: tuple[str, ...]) -> None:
        self.deployments: list[Deployment] = []
        self.steps: list[Step] = []
        self._needs = needs

    def deployed(self, name: str, *, stage: StageName, version: Which, twin_of: str | None = None) -> None:
        self.deployments.append(Deployment(name=name, version=version, twin_of=twin_of))
        blame: Blame = "unverified" if version == "old" else "failed"
        self.then("prepare", stage=stage, deployment=name, blame=blame)
        self.then("deploy", stage=stage, deployment=name, blame=blame)

    def then(self, action: Action, *, stage: StageName, deployment: str, blame: Blame = "failed") -> None:
        step = Step(
            name=f"{deployment}.{stage}.{action}",
            action=action,
            stage=stage,
            deployment=deployment,
            needs=self._needs,
            blame=blame,
        )
        self.steps.append(step)
        self._needs = (step.name,)

    def undeployed(self, deployment: str, *, stage: StageName) -> None:
        # needs nothing: what was begun is removed, whatever became of it
        name = f"{deployment}.{stage}.undeploy"
        self.steps.append(Step(name=name, action="undeploy", stage=stage, deployment=deployment))


def _install(_known: Known) -> Segment:
    segment = Segment(needs=("pull",))
    segment.deployed("install", stage="install", version="new")
    segment.then("check", stage="install", deployment="install")
    segment.undeployed("install", stage="install")
    return segment


def upgrading(known: Known) -> Segment:
    segment = Segment(needs=("pull",))
    # an image of the old version that is gone says nothing of the new one's install
    segment.then("pull", stage="upgrade", deployment="upgrade", blame="unverified")
    segment.deployed("upgrade", stage="upgrade", version="old")
    if known.can_seed:
        segment.then("seed", stage="upgrade", deployment="upgrade", blame="unverified")
    segment.then("upgrade", stage="upgrade", deployment="upgrade")
    segment.then("verify_upgrade", stage="upgrade", deployment="upgrade")
    if known.has_suite:
        segment.then("test", stage="upgrade", deployment="upgrade")
    segment.undeployed("upgrade", stage="upgrade")
    return segment


def _backup(_known: Known) -> Segment:
    segment = Segment(needs=("pull",))
    segment.deployed("backup", stage="backup", version="new")
    segment.then("seed", stage="backup", deployment="backup")
    segment.then("backup", stage="backup", deployment="backup")
    return segment


def _restore(_known: Known) -> Segment:
    segment = Segment(needs=("backup.backup.backup",))
    segment.then("overwrite", stage="restore", deployment="backup")
    segment.then("restore", stage="restore", deployment="backup")
    segment.then("redeploy", stage="restore", deployment="backup")
    segment.then("verify_restore", stage="restore", deployment="backup")
    segment.undeployed("backup", stage="restore")
    # the fresh deployment proves the backup by itself, so it does not wait for the restore in place to pass
    fresh = Segment(needs=("backup.backup.backup",))
    fresh.deployed("fresh", stage="restore", version="new", twin_of="backup")
    fresh.then("restore", stage="restore", deployment="fresh")
    fresh.then("redeploy", stage="restore", deployment="fresh")
    fresh.then("verify_restore", stage="restore", deployment="fresh")
    fresh.undeployed("fresh", stage="restore")
    segment.deployments.extend(fresh.deployments)
    segment.steps.extend(fresh.steps)
    return segment


def _functional(_known: Known) -> Segment:
    segment = Segment(needs=("pull",))
    segment.deployed("functional", stage="functional", version="new")
    segment.then("test", stage="functional", deployment="functional")
    segment.undeployed("functional", stage="functional")
    return segment


def _sso(known: Known) -> Segment:
    segment = Segment(needs=(PROVIDE,))
    if not known.has_sso_tests:
        return segment
    segment.deployed("sso", stage="sso", version="new")
    segment.then("test", stage="sso", deployment="sso")
    segment.undeployed("sso", stage="sso")
    return segment


def with_provider(step: Step) -> Step:
    """All stages but the install act as a user, which says nothing of the app while the provider is away."""
    if step.stage == "install" or step.action == "undeploy" or PROVIDE in step.needs:
        return step
    return msgspec.structs.replace(step, needs=(*step.needs, PROVIDE))


_SEGMENTS = {
    "install": _install,
    "upgrade": upgrading,
    "backup": _backup,
    "restore": _restore,
    "functional": _functional,
    "sso": _sso,
}


def _restrict(plan: Plan, only: StageName) -> Plan:
    """Keep the steps of one stage, what they need, and the removal of what they deploy."""
    by_name = {step.name: step for step in plan.steps}
    kept: set[str] = set()
    open_ = [step.name for step in plan.steps if step.stage == only]
    while open_:
        name = open_.pop()
        if name not in kept:
            kept.add(name)
            open_.extend(by_name[name].needs)
    deployments = {by_name[name].deployment for name in kept}
    steps = [
        # the pull and the provider are for whatever is deployed: they must not look like a stage that ran
        msgspec.structs.replace(step, stage=only) if step.name in {"pull", PROVIDE} else step
        for step in plan.steps
        if step.name in kept or (step.action == "undeploy" and step.deployment in deployments)
    ]
    return Plan(
        deployments=tuple(one for one in plan.deployments if one.name in deployments),
        steps=tuple(steps),
        decided=tuple(one for one in plan.decided if one.stage == only),
    )


def finish(plan: Plan, *, keep: bool) -> Plan:
    """Give the last removal to the teardown stage, and end with the leak check."""
    withdraw = [
        Step(name="withdraw", action="withdraw", stage="teardown", deployment=step.deployment)
        for step in plan.steps
        if step.action == "provide"
    ]
    if keep:
        kept = _skipped("teardown", "--keep: an app was left up for a look")
        return msgspec.structs.replace(plan, decided=(*plan.decided, kept))
    removals = [step.name for step in plan.steps if step.action == "undeploy"]
    last = removals[-1] if removals else None
    steps: Sequence[Step] = [
        msgspec.structs.replace(step, stage="teardown") if step.name == last else step for step in plan.steps
    ]
    leak_check = Step(name="leak_check", action="leak_check", stage="teardown")
    return msgspec.structs.replace(plan, steps=(*steps, *withdraw, leak_check))
