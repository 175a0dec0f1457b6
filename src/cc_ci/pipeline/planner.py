"""Make the plan of a run from what is known of the recipe and what was asked for; pure.

`by_stage` or `shared` gives the chains; here they are restricted to one stage, put in a row, and closed.
"""

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

import msgspec

from cc_ci.errors import UsageError
from cc_ci.levers.arms import Chosen
from cc_ci.pipeline import chain as values
from cc_ci.pipeline.chain import TAKES, Chain
from cc_ci.pipeline.known import Known, decided_stages
from cc_ci.pipeline.plan import (
    STAGES,
    Action,
    Decided,
    Deployment,
    Keep,
    NeededProvider,
    Plan,
    Step,
)
from cc_ci.pipeline.shapes import PROVIDE, PULL, by_stage, shared, upgraded
from cc_ci.pipeline.soundness import require_sound
from cc_ci.results.schema import StageName

OPENING = "opening"
CLOSING = "closing"
NOT_FRESH = "deploy.share=upgraded: the new version came by an upgrade, and was not installed afresh"


class Shape(Protocol):
    def __call__(self, known: Known, due: Collection[StageName], *, checks: bool) -> tuple[Chain, ...]: ...


SHAPES: Mapping[str, Shape] = {"none": by_stage, "chains": shared, "upgraded": upgraded}
"""By the value of `deploy.share`."""


def make_plan(known: Known, arm: Chosen, *, only: StageName | None = None, keep: bool = False) -> Plan:
    """Plan a run; `only` leaves one stage and what it needs, with `keep` a deployment is left up.

    Raises UsageError for a stage alone that the arm leaves out: a run of nothing would be green.
    """
    decided = decided_stages(known)
    due = [stage for stage in STAGES if stage not in {one.stage for one in decided}]
    chains = SHAPES[arm.word("deploy.share")](known, due, checks=arm.deploys)
    untested = tuple(_untested(chains, due, arm))
    if not any(step.stage == "install" for chain in chains for step in chain.steps):
        if only == "install":
            raise UsageError(f"--stage install: {arm.arm} installs nothing afresh; take the profile stock")
        decided = (Decided(stage="install", outcome="skipped", reason=NOT_FRESH), *decided)
    chains = (_opening(known, chains[0]), *(_with_provider(chain, known) for chain in chains))
    if arm.word("images.prepull") == "all":
        chains = _pulled_ahead(chains)
    if only:
        chains = _restricted(chains, only)
        decided = tuple(one for one in decided if one.stage == only)
    plan = Plan(deployments=(), steps=(), decided=decided, untested=untested)
    dropped = arm.word("images.keep") == "no"
    return require_sound(_closed(plan, _in_a_row(chains), known, keep=keep, dropped=dropped))


def _untested(chains: Sequence[Chain], due: Sequence[StageName], arm: Chosen) -> Iterator[str]:
    """What stages that are due would show in another shape, and do not in this one."""
    made = [one for chain in chains for one in chain.deployments]
    if not any(one.versions == ("new",) and one.twin_of is None for one in made):
        yield f"{arm.arm}: a fresh install of the new version is not tested"
    if "restore" in due and not any(one.twin_of for one in made):
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


def _opening(known: Known, first: Chain) -> Chain:
    """What comes before any deployment; the first pull is of the stage that comes first."""
    steps = [
        Step(
            name=PULL,
            action="pull",
            stage=first.steps[0].stage,
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
    return tuple(_cut(chain, kept, only) for chain in chains if any(one.name in kept for one in chain.steps))


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


def _in_a_row(chains: Sequence[Chain]) -> tuple[Chain, ...]:
    """One chain at a time: each comes after the end of the one before it."""
    linked = list(chains[:1])
    for before, chain in itertools.pairwise(chains):
        first, *rest = chain.steps
        first = msgspec.structs.replace(first, after=(*first.after, before.steps[-1].name))
        linked.append(chain._replace(steps=(first, *rest)))
    return tuple(linked)


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
        steps=tuple(_twins_apart(step, deployments, removals) for step in steps),
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


def _twins_apart(step: Step, deployments: Sequence[Deployment], removals: Sequence[Step]) -> Step:
    """A twin has the other's domain: it comes after that one's removal."""
    if step.action != "prepare":
        return step
    origin = next(one.twin_of for one in deployments if one.name == step.deployment)
    gone = tuple(one.name for one in removals if origin and one.deployment == origin)
    return msgspec.structs.replace(step, after=tuple(dict.fromkeys((*step.after, *gone))))


def _needed_provider(known: Known) -> NeededProvider | None:
    why = "the suite signs on through it" if known.has_sso_tests else "the suite needs it"
    return NeededProvider(name=known.provider, why=why) if known.provider else None
