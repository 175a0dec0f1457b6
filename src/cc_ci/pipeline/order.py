"""Which chains of a plan go one after the other, and which side by side; pure."""

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from cc_ci.pipeline.chain import Chain
from cc_ci.pipeline.known import Known
from cc_ci.pipeline.plan import ONE_OF_EACH, Deployment, Step, Taken
from cc_ci.pipeline.room import Room, chains_at_once, tokens, too_little


class Ordered(NamedTuple):
    chains: tuple[Chain, ...]
    at_once: Mapping[Taken, int] = ONE_OF_EACH
    otherwise: tuple[str, ...] = ()
    """Why chains that were to go side by side do not, a line each."""


def in_order(
    chains: Sequence[Chain], known: Known, room: Room | None, *, parallel: bool, keep: bool
) -> Ordered:
    """Link the chains: the first is the opening, of which all others need a step.

    `room` is what the node has, None where no node is known. With `keep` the last deployment goes after all
    others: what became of them decides whether it is the one that is kept.
    """
    made = [one for chain in chains for one in chain.deployments]
    if not parallel or len(made) < 2:  # noqa: PLR2004 - one deployment is beside nothing
        return Ordered(_apart(_in_a_row(chains), made))
    provided = any(step.action == "provide" for chain in chains for step in chain.steps)
    most = len(made) if room is None else min(len(made), chains_at_once(room, known, provided=provided))
    if known.fixed_names:
        why = f"both would make one thing: {known.fixed_names[0]}"
    elif room and most == 1:
        why = too_little(room, known, provided=provided)
    else:
        why = None
    if why:
        told = f"plan.parallel: one chain after the other: {why}"
        return Ordered(_apart(_in_a_row(chains), made), otherwise=(told,))
    linked = _apart(_as_many_as_fit(chains, made, most), made)
    return Ordered(
        _last_one_last(linked, made) if keep else linked,
        at_once=tokens(room or Room(), known, chains=most),
        otherwise=tuple(_of_one_domain(made)),
    )


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
    first = msgspec.structs.replace(first, after=tuple(dict.fromkeys((*first.after, *steps))))
    return chain._replace(steps=(first, *rest))


def _removals(chains: Sequence[Chain]) -> dict[str, str]:
    """The step that removes each deployment, by its name."""
    steps = (step for chain in chains for step in chain.steps)
    return {step.deployment: step.name for step in steps if step.action == "undeploy" and step.deployment}


def _apart(chains: Sequence[Chain], made: Sequence[Deployment]) -> tuple[Chain, ...]:
    """A twin has the other's domain: it comes after that one's removal."""
    removals = _removals(chains)
    gone = {one.name: removals[one.twin_of] for one in made if one.twin_of in removals}

    def later(step: Step) -> Step:
        if step.action != "prepare" or step.deployment not in gone:
            return step
        after = dict.fromkeys((*step.after, gone[step.deployment]))
        return msgspec.structs.replace(step, after=tuple(after))

    return tuple(chain._replace(steps=tuple(map(later, chain.steps))) for chain in chains)


def _last_one_last(chains: Sequence[Chain], made: Sequence[Deployment]) -> tuple[Chain, ...]:
    removals = _removals(chains)
    last = removals[made[-1].name]
    others = tuple(name for name in removals.values() if name != last)

    def later(step: Step) -> Step:
        if step.name != last:
            return step
        return msgspec.structs.replace(step, after=tuple(dict.fromkeys((*step.after, *others))))

    return tuple(chain._replace(steps=tuple(map(later, chain.steps))) for chain in chains)


def _of_one_domain(made: Sequence[Deployment]) -> list[str]:
    """Twins whose origin makes no backup for them could go beside it, but for their domain."""
    return [
        f"plan.parallel: {one.name} after {one.twin_of}: they have one domain"
        for one in made
        if one.twin_of and one.twin_of == "upgrade"
    ]
