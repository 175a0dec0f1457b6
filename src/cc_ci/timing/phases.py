"""The phases of a run: a fixed list, so that runs can be compared."""

from typing import Literal, get_args

Phase = Literal[
    "queue",
    "runner_setup",
    "recipe_fetch",
    "images_pull",
    "app_new",
    "secrets",
    "deploy",
    "converge",
    "ready",
    "provider_setup",
    "seed",
    "upgrade",
    "backup",
    "restore",
    "verify",
    "test",
    "teardown",
    "leak_check",
    "report",
    "overhead",
]

PHASES: tuple[Phase, ...] = get_args(Phase)

POLL_SLACK = "poll_slack"
"""Spans of this name, alone or before a colon, are waits that went on after their condition was true."""

REMOVAL = "remove the stack"
"""Name of the span of a removal, and what the names of spans within it begin with."""
REDEPLOYMENT = "undeploy, volumes stay"
"""The same of the removal before a redeploy."""
STOPPING = "stop gracefully"
"""Name of the span in which plain containers are told to stop."""
JOINING = "join the proxy to the deployment's network"
"""Name of the span in which the proxy is let into a deployment's own network."""
