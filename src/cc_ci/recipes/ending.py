"""Which services of a stack end by design: by the suite's word, or by their restart policy. Pure."""

from collections.abc import Collection

import msgspec

from cc_ci.recipes.service import Deploy
from cc_ci.recipes.stack import Stack

JOBS = ("replicated-job", "global-job")


def with_ends(stack: Stack, declared: Collection[str]) -> Stack:
    """The stack, knowing which of its services end by themselves with code 0."""
    return msgspec.structs.replace(stack, ends=frozenset(declared) & stack.services.keys() | guessed(stack))


def guessed(stack: Stack) -> frozenset[str]:
    """Swarm starts these once, whatever comes of it, or as jobs: so are one-shot services written."""
    return frozenset(name for name, service in stack.services.items() if _ends(service.deploy))


def _ends(deploy: Deploy) -> bool:
    restart = deploy.restart_policy
    return deploy.mode in JOBS or (restart is not None and restart.condition == "none")
