"""What is asked of an app after each step that uses it: that it lives on, and is healthy."""

from cc_ci.pipeline.plan import Action, Plan, Step
from cc_ci.stages import holding, living, rechecking
from cc_ci.stages.bench import Bench, Deployed

WATCHED: frozenset[Action] = frozenset(
    {"check", "seed", "verify_upgrade", "backup", "overwrite", "fill", "verify_restore", "test"}
)
"""Actions on an app that serves, and that has to go on serving while they last."""
CHECKED: frozenset[Action] = WATCHED - {"seed", "overwrite", "fill"}
"""Those after which its services' health checks are run once more."""
USING: frozenset[Action] = WATCHED | {"deploy", "upgrade", "restore", "redeploy", "soak", "kill"}
"""All that is done with an app that is up, or brings it up."""
CHANGES: frozenset[Action] = frozenset({"upgrade", "redeploy", "kill", "undeploy"})
"""Actions that begin by ending what runs."""


def require_lasting(bench: Bench, plan: Plan, step: Step, app: Deployed, *, during: str) -> None:
    """Raise StageFailed where the app ended, or is not healthy any more, after a step that went well."""
    if step.action in WATCHED:
        living.require_living(bench, app, during=during)
    following = next_on_app(plan, step)
    if following in CHANGES:
        least = holding.LEAST_LIFE if following == "kill" else 0.0
        holding.wait_out(bench, app, during=during, least=least)
    if step.action in CHECKED:
        rechecking.require_healthy(bench, app, during=during)


def next_on_app(plan: Plan, step: Step) -> Action | None:
    """The action of the step that comes next on the same deployment."""
    mine = [one for one in plan.steps if one.deployment == step.deployment]
    after = mine[mine.index(step) + 1 :] if step in mine else []
    return next((one.action for one in after), None)
