"""Which chains of a plan go one after the other, and which side by side; pure."""

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from cc_ci.pipeline.chain import Chain, app
from cc_ci.pipeline.known import Known
from cc_ci.pipeline.plan import ONE_OF_EACH, Deployment, Step, Taken
from cc_ci.pipeline.room import Room, chains_at_once, tokens, too_little


class Ordered(NamedTuple):
    chains: tuple[Chain, ...]
    at_once: Mapping[Taken, int] = ONE_OF_EACH
    otherwise: tuple[str, ...] = ()
    """Why chains that were to go side by side do not, a line each."""


def in_order(
    chains: Sequence[Chain],
    known: Known,
    room: Room | None,
    *,
    parallel: bool,
    keep: bool,
    own_names: bool = True,
) -> Ordered:
    """Link the chains: the first is the opening, of which all others need a step.

    `room` is what the node has, None where no node is known. With `keep` the last deployment goes after all
    others: what became of them decides whether it is the one that is kept. `own_names`: what deploys takes
    any name of a stack.
    """
    linked = _linked(chains, known, room, parallel=parallel, own_names=own_names)
    return linked._replace(chains=_last_one_last(linked.chains)) if keep and parallel else linked


def _linked(
    chains: Sequence[Chain], known: Known, room: Room | None, *, parallel: bool, own_names: bool
) -> Ordered:
    made = [one for chain in chains for one in chain.deployments]
    if not parallel or len(made) < 2:  # noqa: PLR2004 - one deployment is beside nothing
        return Ordered(_apart(_in_a_row(chains), made))
    provided = any(step.action == "provide" for chain in chains for step in chain.steps)
    most = len(made) if room is None else min(len(made), chains_at_once(room, known, provided=provided))
    if why := _in_turn(known, room, most, provided=provided):
        told = f"plan.parallel: one chain after the other: {why}"
        return Ordered(_apart(_in_a_row(chains), made), otherwise=(told,))
    # any other twin needs a backup of its origin, and so the end of that one
    twins = [one for one in made if one.twin_of == "upgrade"]
    why = _not_beside(known, room or Room(), own_names=own_names)
    if twins and not why:
        chains = _beside(chains, twins)
        made = [one for chain in chains for one in chain.deployments]
    return Ordered(
        _apart(_as_many_as_fit(chains, made, most), made),
        at_once=tokens(room or Room(), known, chains=most),
        otherwise=tuple(f"plan.parallel: {one.name} after upgrade: {why}" for one in twins if why),
    )


def _in_turn(known: Known, room: Room | None, most: int, *, provided: bool) -> str | None:
    """Why no two apps of the recipe can be there at once; None if they can."""
    if known.fixed_names:
        return f"both would make one thing: {known.fixed_names[0]}"
    return too_little(room, known, provided=provided) if room and most == 1 else None


def _not_beside(known: Known, room: Room, *, own_names: bool) -> str | None:
    """Why two apps of one domain can't be there at once; None if they can."""
    if known.tied:
        return f"they have one domain, and the app learns its stack's name: {known.tied}"
    if not own_names:
        return "they have one domain, and what deploys names stacks by it"
    return None if room.proxies else "they have one domain, and the node has one proxy"


def _together(twin: Deployment) -> Deployment:
    return msgspec.structs.replace(twin, beside=True)


def _beside(chains: Sequence[Chain], twins: Sequence[Deployment]) -> tuple[Chain, ...]:
    """Let twins be there with their origin, which gets from them what secrets its new version adds."""
    steps = {(step.deployment, step.action): step for chain in chains for step in chain.steps}
    pairs = [(one.name, one.twin_of) for one in twins if (one.twin_of, "prepare") in steps]

    def linked(step: Step) -> Step:
        for twin, origin in pairs:
            if (step.deployment, step.action) == (twin, "prepare"):
                return _after(step, steps[origin, "prepare"].name)
            if (step.deployment, step.action) == (twin, "redeploy"):
                # what is restored has to serve without its origin
                return _after(step, steps[origin, "undeploy"].name)
            if (step.deployment, step.action) == (origin, "upgrade"):
                lent = _after(step, steps[twin, "prepare"].name)
                return msgspec.structs.replace(lent, uses=(*step.uses, app(twin)))
        return step

    return tuple(
        chain._replace(
            deployments=tuple(_together(one) if one in twins else one for one in chain.deployments),
            steps=tuple(map(linked, chain.steps)),
        )
        for chain in chains
    )


def _after(step: Step, *others: str) -> Step:
    return msgspec.structs.replace(step, after=tuple(dict.fromkeys((*step.after, *others))))


def _in_a_row(chains: Sequence[Chain]) -> tuple[Chain, ...]:
    """One chain at a time: each comes after the end of the one before it."""
    linked = list(chains[:1])
    for before, chain in itertools.pairwise(chains):
        linked.append(_begun_after(chain, before.steps[-1].name))
    return tuple(linked)


def _as_many_as_fit(chains: Sequence[Chain], made: Sequence[Deployment], most: int) -> tuple[Chain, ...]:
    """So that no more than `most` deployments are there: each comes after the removal of one before it."""
    removals = _removals(chains)
    waits = {made[later].name: removals[made[later - most].name] for later in range(most, len(made))}
    return tuple(
        _begun_after(chain, *(waits[one.name] for one in chain.deployments if one.name in waits))
        for chain in chains
    )


def _begun_after(chain: Chain, *steps: str) -> Chain:
    first, *rest = chain.steps
    return chain._replace(steps=(_after(first, *steps), *rest))


def _removals(chains: Sequence[Chain]) -> dict[str, str]:
    """The step that removes each deployment, by its name."""
    steps = (step for chain in chains for step in chain.steps)
    return {step.deployment: step.name for step in steps if step.action == "undeploy" and step.deployment}


def _apart(chains: Sequence[Chain], made: Sequence[Deployment]) -> tuple[Chain, ...]:
    """A twin has the other's domain: it comes after that one's removal."""
    removals = _removals(chains)
    twins = [one for one in made if one.twin_of in removals and not one.beside]
    gone = {one.name: removals[one.twin_of or ""] for one in twins}

    def later(step: Step) -> Step:
        if step.action != "prepare" or step.deployment not in gone:
            return step
        return _after(step, gone[step.deployment])

    return tuple(chain._replace(steps=tuple(map(later, chain.steps))) for chain in chains)


def _last_one_last(chains: Sequence[Chain]) -> tuple[Chain, ...]:
    removals = _removals(chains)
    last = next(reversed(removals.values()), None)
    others = tuple(name for name in removals.values() if name != last)

    def later(step: Step) -> Step:
        return _after(step, *others) if step.name == last else step

    return tuple(chain._replace(steps=tuple(map(later, chain.steps))) for chain in chains)
