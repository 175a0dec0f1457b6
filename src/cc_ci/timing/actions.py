"""What spans below a step are of: the words by which those that make them and those that read them agree.

Names of spans are for people, and may be changed; these may not. A step's own action is the plan's.
"""

POLL_SLACK = "poll_slack"
"""A wait that went on after its condition was true, until the next look."""
HOLD = "hold"
"""A condition that is true is held for a while, and looked at again."""

STACK_DEPLOY = "stack_deploy"
CONVERGE = "converge"
READY = "ready"
"""The three parts of a deploy."""
JOIN_PROXY = "join_proxy"
"""The proxy is let into a deployment's own network."""

REMOVE = "remove"
"""A removal, waited out."""
REMOVE_TO_REDEPLOY = "remove_to_redeploy"
"""The same before a redeploy: volumes stay."""
UNTIL_TOLD = "until_told_to_stop"
UNTIL_ENDED = "until_ended"
"""The two parts of a removal that a service has for itself; see `of_removal`."""
STOP_CONTAINERS = "stop_containers"
"""Plain containers are told to stop."""

DATA = "data"
"""Hooks and restic copy data out or back in."""
MAKE_REPOSITORY = "make_repository"
"""What backups are kept in is made, empty: nothing of the run has to be there for it."""
SUITE = "suite"
"""The suite's tests run."""

SCHEDULE = "schedule"
PREPARE_TASK = "prepare_task"
CREATE_CONTAINER = "create_container"
BOOT = "boot"
BOOT_HEALTHY = "boot_until_healthy"
REPORT = "report_to_manager"
FAILED_STARTS = "failed_starts"
"""Tasks that ended, for lack of what they need, before the one that stayed."""
RESTART_DELAY = "restart_delay"
"""Swarm makes the container of a task that follows an ended one at once, and starts it later."""
STARTING = frozenset({SCHEDULE, PREPARE_TASK, CREATE_CONTAINER, REPORT})
"""Parts of a service's start that are Swarm's own."""

FIRST_LOOK = "first_look"
"""Until a health check first looks."""
SAID_NO = "said_no"
"""Until a health check last said no."""
BETWEEN_LOOKS = "between_looks"
"""From there to the look that says yes."""
OTHER_HEALTHY = "other_healthy"
"""Until another service, which this one waits for, was healthy."""
LOOKS = frozenset({FIRST_LOOK, BETWEEN_LOOKS, OTHER_HEALTHY})
"""An interval of a health check, in some part of which the service was healthy already."""

SERVICE = "service"
"""The attribute by which a span says which service it is of."""


def of_removal(removal: str, part: str) -> str:
    """The action of one part of a removal."""
    return f"{removal}.{part}"


REMOVALS = frozenset(
    {
        action
        for removal in (REMOVE, REMOVE_TO_REDEPLOY)
        for action in (removal, of_removal(removal, UNTIL_TOLD), of_removal(removal, UNTIL_ENDED))
    }
)
REDEPLOYING = frozenset(action for action in REMOVALS if action.startswith(REMOVE_TO_REDEPLOY))

TEXT = {
    REMOVE: "remove the stack",
    REMOVE_TO_REDEPLOY: "undeploy, volumes stay",
    STOP_CONTAINERS: "stop gracefully",
    JOIN_PROXY: "join the proxy to the deployment's network",
    SCHEDULE: "schedule",
    PREPARE_TASK: "prepare",
    CREATE_CONTAINER: "create container",
    BOOT: "boot",
    BOOT_HEALTHY: "boot until healthy",
    REPORT: "report to the manager",
    FAILED_STARTS: "tries that ended",
    RESTART_DELAY: "wait out the restart's delay",
    FIRST_LOOK: "before its health check's first look",
    SAID_NO: "until its health check last said no",
    BETWEEN_LOOKS: "between two looks of its health check",
    OTHER_HEALTHY: "until {} was healthy",
}
"""How people are told of them; where a service is named, its name comes before."""
