"""How long a run may take, told from its plan and the recipe's own intervals. Pure."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from cc_ci.levers.arms import Chosen
from cc_ci.pipeline.plan import Action, Deployment, DeploymentSource, Plan, Step
from cc_ci.recipes.service import Service
from cc_ci.recipes.stack import Stack
from cc_ci.system.units import Seconds

SECONDS: Mapping[Action, Seconds] = {
    "pull": 2.0,
    "provide": 60.0,
    "prepare": 1.0,
    "check": 1.0,
    "seed": 2.0,
    "verify_upgrade": 2.0,
    "backup": 9.0,
    "overwrite": 4.0,
    "fill": 4.0,
    "restore": 4.0,
    "verify_restore": 4.0,
    "test": 12.0,
    "soak": 60.0,
    "undeploy": 7.0,
    "conclude_stops": 0.2,
    "withdraw": 2.0,
    "drop_images": 1.0,
    "leak_check": 1.0,
}
"""Of a step that waits for no health check: rounded medians of small recipes on two CPUs with warm images."""
BOOTS: frozenset[Action] = frozenset({"deploy", "redeploy", "upgrade", "kill"})
START: Seconds = 3.0
"""Until a container runs: `docker stack deploy`, Swarm's task, its network."""
WITHOUT_A_CHECK: Seconds = 1.0
ENGINES_START_INTERVAL: Seconds = 5.0
"""How often engines from 25 on look while a start_period lasts, where the recipe does not say."""


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of each stage and of the whole; `source` is where they come from."""

    total: Seconds
    stages: Mapping[str, Seconds]
    source: Literal["the last green run", "the plan"] = "the plan"


def forecast(plan: Plan, stacks: Mapping[DeploymentSource, Stack], arm: Chosen) -> Forecast:
    """What each stage takes if all goes well, and when the last step ends; chains may go side by side."""
    seconds = {step.name: _step(step, plan, stacks, arm) for step in plan.steps}
    stages: dict[str, Seconds] = {}
    for step in plan.steps:
        stages[step.stage] = stages.get(step.stage, 0.0) + seconds[step.name]
    return Forecast(total=_last_end(plan, seconds), stages=stages)


def _last_end(plan: Plan, seconds: Mapping[str, Seconds]) -> Seconds:
    """When the last step ends: each begins when all that it comes after has ended."""
    ends: dict[str, Seconds] = {}
    waiting = list(plan.steps)
    while waiting:
        ready = [one for one in waiting if all(name in ends for name in (*one.needs, *one.after))]
        if not ready:
            break  # no plan that can be carried out has this
        for step in ready:
            begun = max((ends[name] for name in (*step.needs, *step.after)), default=0.0)
            ends[step.name] = begun + seconds[step.name]
        waiting = [one for one in waiting if one not in ready]
    return max(ends.values(), default=0.0)


def _step(step: Step, plan: Plan, stacks: Mapping[DeploymentSource, Stack], arm: Chosen) -> Seconds:
    if step.action not in BOOTS:
        return SECONDS[step.action]
    removal = SECONDS["undeploy"] if step.action == "redeploy" else 0.0
    return removal + _boot(_stack(step, plan, stacks), arm)


def _stack(step: Step, plan: Plan, stacks: Mapping[DeploymentSource, Stack]) -> Stack | None:
    """The one that is up when the step is over."""
    made: Deployment | None = next((one for one in plan.deployments if one.name == step.deployment), None)
    if made is None:
        return None
    return stacks.get(made.versions[-1] if step.action != "deploy" else made.versions[0])


def _boot(stack: Stack | None, arm: Chosen) -> Seconds:
    looks = [first_look(one, arm) for one in stack.services.values()] if stack else []
    return START + max(looks, default=WITHOUT_A_CHECK) + arm.seconds("readiness.stability")


def first_look(service: Service, arm: Chosen) -> Seconds:
    """When its health check looks for the first time, which is when a quick app is healthy."""
    check = service.healthcheck
    if check is None:
        return WITHOUT_A_CHECK
    set_by_lever = arm.seconds_or_own("health.interval")
    if set_by_lever is not None:
        return set_by_lever
    if check.start_interval is not None and check.start_period > 0:
        return check.start_interval
    return min(check.interval, ENGINES_START_INTERVAL) if check.start_period > 0 else check.interval
