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

UNATTRIBUTED = "unattributed"
"""In the place of a phase: what no span, or none with a phase, accounts for."""

PHASES: tuple[Phase, ...] = get_args(Phase)
