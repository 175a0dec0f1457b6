"""Make the plan of a run from what is known of the recipe and what was asked for; pure.

`shapes` gives the chains; here they are restricted to one stage, put in a row or side by side, and closed.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

import msgspec

from cc_ci.errors import UsageError
from cc_ci.levers.arms import Chosen
from cc_ci.pipeline import chain as values
from cc_ci.pipeline.chain import TAKES, Chain
from cc_ci.pipeline.known import Known, decided_stages
from cc_ci.pipeline.order import in_order
from cc_ci.pipeline.plan import (
    STAGES,
    Action,
    Decided,
    Keep,
    NeededProvider,
    Plan,
    Step,
)
from cc_ci.pipeline.room import Room
from cc_ci.pipeline.shapes import (
    FRESH_DEPLOYMENT,
    OF_CHAINS2,
    OF_OTHERS,
    PROVIDE,
    PULL,
    by_stage,
    chains2,
    chains3,
    gives_way,
    upgraded,
)
from cc_ci.pipeline.soundness import require_sound
from cc_ci.results.schema import StageName

OPENING = "opening"
CLOSING = "closing"
HOOKED = "the fresh deployment boots first: a restore's command runs in it: {}"
ABOUT_BACKUPS = (None, "upgrade", "backup", "restore")
ALONE = "a fresh install of the new version"
NOT_FRESH = "plan.shape=upgraded: the new version came by an upgrade, and was not installed afresh"


class Shape(Protocol):
    def __call__(self, known: Known, due: Collection[StageName], *, checks: bool) -> tuple[Chain, ...]: ...


SHAPES: Mapping[str, Shape] = {
    "stages": by_stage,
    "chains3": chains3,
    "chains2": chains2,
    "upgraded": upgraded,
}
"""By the value of `plan.shape`."""


def make_plan(
    known: Known,
    arm: Chosen,
    *,
    only: StageName | None = None,
    keep: bool = False,
    room: Room | None = None,
) -> Plan:
    """Plan a run; `only` leaves one stage and what it needs, with `keep` a deployment is left up.

    `room` is the node's, None where no node is known yet: then chains that may go side by side do. Raises
    UsageError for a stage alone that the arm leaves out: a run of nothing would be green.
    """
    if arm.word("app.soak") == "yes":
        known = msgspec.structs.replace(known, soak=True)
    ahead = arm.word("restore.before_boot") == "yes"
    known = msgspec.structs.replace(known, restore_ahead=ahead and not known.restore_hook)
    decided = decided_stages(known)
    due = [stage for stage in STAGES if stage not in {one.stage for one in decided}]
    shape, otherwise = _shape(known, due, arm)
    chains = SHAPES[shape](known, due, checks=arm.deploys)
    if ahead and known.restore_hook and any(chain.name == FRESH_DEPLOYMENT for chain in chains):
        otherwise = (*otherwise, f"restore.before_boot: {HOOKED.format(known.restore_hook)}")
    plan = Plan(deployments=(), steps=(), decided=decided, untested=tuple(_untested(shape, chains, due, arm)))
    if not any(step.stage == "install" for chain in chains for step in chain.steps):
        if only == "install":
            raise UsageError(f"--stage install: {arm.arm} installs nothing afresh; take the profile stock")
        not_fresh = Decided(stage="install", outcome="skipped", reason=NOT_FRESH)
        plan = msgspec.structs.replace(plan, decided=(not_fresh, *decided))
    chains = (_opening(known, chains), *(_with_provider(chain, known) for chain in chains))
    if arm.word("images.prepull") == "all":
        chains = _pulled_ahead(chains)
    if only:
        chains = _restricted(chains, only)
        plan = msgspec.structs.replace(plan, decided=tuple(one for one in plan.decided if one.stage == only))
    parallel = arm.word("plan.parallel") == "yes"
    own_names = arm.word("deploy.driver") == "stack"
    ordered = in_order(chains, known, room, parallel=parallel, keep=keep, own_names=own_names)
    plan = msgspec.structs.replace(
        plan,
        only_here=tuple(_only_here(shape, due)) if only in ABOUT_BACKUPS else (),
        untested=plan.untested if only in ABOUT_BACKUPS or shape != "chains2" else (),
        otherwise=(*otherwise, *ordered.otherwise),
        at_once=ordered.at_once,
    )
    dropped = arm.word("images.keep") != "yes"
    return require_sound(_closed(plan, ordered.chains, known, keep=keep, dropped=dropped))


def _shape(known: Known, due: Sequence[StageName], arm: Chosen) -> tuple[str, tuple[str, ...]]:
    """The shape of this recipe's plan, and why it is not the one that was asked for."""
    shape = arm.word("plan.shape")
    if shape != "chains2" or not (why := gives_way(known, due)):
        return shape, ()
    return "chains3", (f"plan.shape: chains3 instead of chains2: {why}",)


def _only_here(shape: str, due: Sequence[StageName]) -> Iterator[str]:
    """What this shape shows of the stages that are due, and others do not."""
    if "backup" in due and "upgrade" in due and shape != "upgraded":
        yield OF_CHAINS2.only_here if shape == "chains2" else OF_OTHERS.only_here


def _untested(shape: str, chains: Sequence[Chain], due: Sequence[StageName], arm: Chosen) -> Iterator[str]:
    """What stages that are due would show in `stock`, and do not in this shape."""
    made = [one for chain in chains for one in chain.deployments]
    if not any(one.versions == ("new",) and one.name != FRESH_DEPLOYMENT for one in made):
        yield f"{arm.arm}: a fresh install of the new version is not tested"
    if shape == "chains2":
        yield f"{arm.arm}: {OF_CHAINS2.not_here}"
    elif "restore" in due and not any(one.twin_of for one in made):
        yield f"{arm.arm}: the restore on a fresh deployment is not tested"


def _pulled_ahead(chains: Sequence[Chain]) -> tuple[Chain, ...]:
    """Bring every version's images before anything is deployed."""
    opening, *others = chains
    pulls = [step for chain in others for step in chain.steps if step.action == "pull"]
    first, *rest = opening.steps
    steps = [first]
    for step in (*pulls, *rest):
        # images need no provider, whatever is done with them later
        needs = tuple(name for name in step.needs if name != PROVIDE)
        after = (steps[-1].name,)
        steps.append(msgspec.structs.replace(step, chain=OPENING, needs=needs, after=after))
    left = (
        chain._replace(steps=tuple(step for step in chain.steps if step not in pulls)) for chain in others
    )
    return (opening._replace(steps=tuple(steps)), *left)


def _opening(known: Known, chains: Sequence[Chain]) -> Chain:
    """What comes before any deployment; the first pull is of the install, if there is one."""
    stages = {step.stage for chain in chains for step in chain.steps}
    steps = [
        Step(
            name=PULL,
            action="pull",
            stage="install" if "install" in stages else chains[0].steps[0].stage,
            chain=OPENING,
            takes=TAKES["pull"],
            gives=(values.LAYERS,),
        )
    ]
    if known.provider:
        provide = Step(
            name=PROVIDE,
            action="provide",
            stage="sso",
            chain=OPENING,
            deployment=known.provider,
            needs=(PULL,),
            after=(PULL,),
            takes=TAKES["provide"],
            uses=(values.LAYERS,),
            gives=(values.app(known.provider), values.PROVIDER),
        )
        steps.append(provide)
    return Chain(OPENING, (), tuple(steps))


def _with_provider(chain: Chain, known: Known) -> Chain:
    """All stages but the install act as a user, which says nothing of the app while the provider is away."""
    if known.provider is None:
        return chain
    return chain._replace(steps=tuple(map(_needing_provider, chain.steps)))


def _needing_provider(step: Step) -> Step:
    if step.stage == "install" or step.closing or PROVIDE in step.needs:
        return step
    return msgspec.structs.replace(step, needs=(*step.needs, PROVIDE))


def _restricted(chains: Sequence[Chain], only: StageName) -> tuple[Chain, ...]:
    """Keep the steps of one stage, what they need, and the removal of what they deploy."""
    by_name = {step.name: step for chain in chains for step in chain.steps}
    kept: set[str] = set()
    open_ = [step.name for step in by_name.values() if step.stage == only and not step.closing]
    while open_:
        name = open_.pop()
        if name not in kept:
            kept.add(name)
            open_.extend(by_name[name].needs)
    deployments = {by_name[name].deployment for name in kept}
    kept |= {step.name for step in by_name.values() if step.closing and step.deployment in deployments}
    left = (_cut(chain, kept, only) for chain in chains if any(one.name in kept for one in chain.steps))
    return tuple(_untwinned(chain, {name for name in deployments if name}) for chain in left)


def _untwinned(chain: Chain, left: Collection[str]) -> Chain:
    """Without its origin a twin is an app like any other."""
    alone = {one.name: one.twin_of for one in chain.deployments if one.twin_of and one.twin_of not in left}

    def own(step: Step) -> Step:
        if step.action != "prepare" or step.deployment not in alone:
            return step
        lent = values.app(alone[step.deployment] or "")
        return msgspec.structs.replace(step, uses=tuple(name for name in step.uses if name != lent))

    made = (
        msgspec.structs.replace(one, twin_of=None, why=ALONE) if one.name in alone else one
        for one in chain.deployments
    )
    return chain._replace(deployments=tuple(made), steps=tuple(map(own, chain.steps)))


def _cut(chain: Chain, kept: set[str], only: StageName) -> Chain:
    """The chain without the steps that are not `kept`; each comes after the one before it that is."""
    steps: list[Step] = []
    for step in chain.steps:
        if step.name in kept:
            after = (steps[-1].name,) if steps else ()
            # pull and provider are for whatever is deployed: they must not look like a stage that ran
            stage = only if chain.name == OPENING else step.stage
            steps.append(msgspec.structs.replace(step, after=after, stage=stage))
    made = {step.deployment for step in steps}
    return Chain(chain.name, tuple(one for one in chain.deployments if one.name in made), tuple(steps))


def _closed(plan: Plan, chains: Sequence[Chain], known: Known, *, keep: bool, dropped: bool) -> Plan:
    """Put the chains together, give the last removal to the teardown stage, and end with the leak check."""
    deployments = tuple(one for chain in chains for one in chain.deployments)
    steps = [step for chain in chains for step in chain.steps]
    removals = [step for step in steps if step.action == "undeploy"]
    last = removals[-1].name if removals and not keep else None
    steps = [msgspec.structs.replace(step, stage="teardown") if step.name == last else step for step in steps]
    provided = any(step.action == "provide" for step in steps)
    ends = tuple(chain.steps[-1].name for chain in chains)
    provider = known.provider if provided else None
    for step in _closing(removals, provider=provider, keep=keep, dropped=dropped and bool(chains)):
        steps.append(msgspec.structs.replace(step, after=ends))
        ends = (*ends, step.name)
    return msgspec.structs.replace(
        plan,
        deployments=deployments,
        steps=tuple(steps),
        provider=_needed_provider(known) if provided else None,
        keep=Keep(otherwise=deployments[-1].name) if keep and deployments else None,
        last_removal=last,
    )


def _closing(removals: Sequence[Step], *, provider: str | None, keep: bool, dropped: bool) -> list[Step]:
    """With `keep` nothing is said of how services stopped: one deployment was not, and its images stay."""
    steps: list[Step] = []
    if removals and not keep:
        stops = tuple(value for removal in removals for value in removal.gives)
        steps.append(_at_the_end("conclude_stops", uses=stops))
    if provider:
        used = (values.app(provider), values.PROVIDER)
        steps.append(_at_the_end("withdraw", uses=used, deployment=provider))
    if dropped and not keep:
        steps.append(_at_the_end("drop_images", uses=(values.LAYERS,)))
    return [*steps, _at_the_end("leak_check", gives=(values.CENSUS,))]


def _at_the_end(
    action: Action, *, uses: tuple[str, ...] = (), gives: tuple[str, ...] = (), deployment: str | None = None
) -> Step:
    return Step(
        name=action,
        action=action,
        stage="teardown",
        chain=CLOSING,
        deployment=deployment,
        uses=uses,
        gives=gives,
    )


def _needed_provider(known: Known) -> NeededProvider | None:
    why = "the suite signs on through it" if known.has_sso_tests else "the suite needs it"
    return NeededProvider(name=known.provider, why=why) if known.provider else None
