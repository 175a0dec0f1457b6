"""Which services of a stack end by design: by the suite's word, or by their restart policy. Pure."""

from collections.abc import Collection

import msgspec

from cc_ci.recipes.stack import Stack


def with_ends(stack: Stack, declared: Collection[str]) -> Stack:
    """The stack, knowing which of its services end by themselves with code 0."""
    return msgspec.structs.replace(stack, ends=frozenset(declared) & stack.services.keys() | guessed(stack))


def guessed(stack: Stack) -> frozenset[str]:
    """Swarm starts these once, whatever comes of it: that is how one-shot services are written."""
    return frozenset(
        name
        for name, service in stack.services.items()
        if service.deploy.restart_policy and service.deploy.restart_policy.condition == "none"
    )
