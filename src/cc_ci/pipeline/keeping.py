"""`--keep`: which deployment is left up for a look, and what that leaves out; pure."""

from collections.abc import Collection

from cc_ci.pipeline.plan import Plan, Step

LEFT_UP = "--keep: an app was left up for a look"


def keeps(
    plan: Plan,
    step: Step,
    *,
    begun: Collection[str],
    broken: Collection[str],
    kept: str | None,
    stopped: bool,
) -> bool:
    """Whether a step is the removal of the deployment to keep: nothing is kept of a run that was stopped.

    `begun` are the deployments of which there is something to see, `broken` those of which a step failed,
    `kept` is the one that was left up already.
    """
    if plan.keep is None or stopped or kept is not None or step.action != "undeploy":
        return False
    if step.deployment not in begun:
        return False
    return step.deployment in broken or step.deployment == plan.keep.otherwise


def left_out(step: Step, *, kept: str | None) -> bool:
    """Whether a step makes no sense while `kept` is up: it needs its provider, and is no leak."""
    return kept is not None and step.action in {"withdraw", "leak_check"}


def barred(plan: Plan, step: Step, *, kept: str | None) -> str | None:
    """Why a step can't be carried out while `kept` is up, or None: a twin would have its domain."""
    if kept is None or step.action != "prepare" or step.deployment is None:
        return None
    made = plan.deployment(step.deployment)
    if made.beside or made.twin_of != kept:
        return None
    return f"{step.deployment}: --keep left {kept} up, which has the same domain"
