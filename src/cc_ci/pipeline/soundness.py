"""What holds for every plan, whatever its shape: a plan that breaks it is a bug, and is never begun; pure."""

import itertools
from collections.abc import Iterable, Iterator

from cc_ci.pipeline.plan import Plan, Step


def require_sound(plan: Plan) -> Plan:
    """Hand the plan back; AssertionError with all that is wrong with it."""
    if faults := tuple(plan_faults(plan)):
        raise AssertionError(f"plan: {'; '.join(faults)}")
    return plan


def plan_faults(plan: Plan) -> Iterator[str]:
    names = [step.name for step in plan.steps]
    if len(set(names)) < len(names):
        yield "two steps have one name"
    unknown = {name for step in plan.steps for name in (*step.needs, *step.after)} - set(names)
    if unknown:
        yield f"no step is called {', '.join(sorted(unknown))}"
        return
    earlier = _earlier(plan)
    if circles := sorted(name for name, before in earlier.items() if name in before):
        yield f"{', '.join(circles)} would wait for each other"
        return
    yield from _faults_of_chains(plan, earlier)
    yield from _faults_of_values(plan, earlier)
    yield from _faults_of_removals(plan, earlier)


def _earlier(plan: Plan) -> dict[str, set[str]]:
    """By step, all that have ended when it begins."""
    earlier = {step.name: {*step.needs, *step.after} for step in plan.steps}
    grown = True
    while grown:
        grown = False
        for name, before in earlier.items():
            wider = before.union(*(earlier[one] for one in before))
            grown = grown or len(wider) > len(before)
            earlier[name] = wider
    return earlier


def _faults_of_chains(plan: Plan, earlier: dict[str, set[str]]) -> Iterator[str]:
    for one, other in itertools.combinations(plan.steps, 2):
        if one.chain == other.chain and not (
            one.name in earlier[other.name] or other.name in earlier[one.name]
        ):
            yield f"{one.name} and {other.name} are of one chain, and neither comes after the other"


def _faults_of_values(plan: Plan, earlier: dict[str, set[str]]) -> Iterator[str]:
    """A value comes from one step, and is there before it is used."""
    givers: dict[str, Step] = {}
    for step in plan.steps:
        for name in step.gives:
            if name in givers:
                yield f"{name} is given by {givers[name].name} and by {step.name}"
            givers[name] = step
    for step in plan.steps:
        for name in step.uses:
            if name not in givers or givers[name].name not in earlier[step.name]:
                yield f"{step.name} uses {name}, which no step before it gives"


def _faults_of_removals(plan: Plan, earlier: dict[str, set[str]]) -> Iterator[str]:
    """Each deployment is removed once, after the last step that uses it, and before its twin is prepared."""
    for planned in plan.deployments:
        removals = [one for one in plan.steps if one.action == "undeploy" and one.deployment == planned.name]
        users = {one.name for one in plan.steps if one.deployment == planned.name and not one.closing}
        if len(removals) != 1 or not users <= earlier[removals[0].name]:
            yield f"deployment {planned.name} is not removed once, after all that uses it"
    for step in plan.steps:
        if (origin := _origin(plan, step)) and not _removes(plan, origin, earlier[step.name]):
            yield f"{step.name} does not come after the removal of {origin}, which has its domain"
    last = [step.name for step in plan.steps if step.action == "leak_check"]
    if len(last) != 1 or {step.name for step in plan.steps} - {last[0]} - earlier[last[0]]:
        yield "the leak check does not come after all else"


def _origin(plan: Plan, step: Step) -> str | None:
    """The deployment that a step makes a twin of, and that has to be gone."""
    if step.action != "prepare" or not step.deployment:
        return None
    made = plan.deployment(step.deployment)
    return None if made.beside else made.twin_of


def _removes(plan: Plan, deployment: str, names: Iterable[str]) -> bool:
    steps = map(plan.step, names)
    return any(step.action == "undeploy" and step.deployment == deployment for step in steps)
