"""Names of services, volumes, networks, configs and secrets: are they names, and only this app's."""

import re
from collections.abc import Iterator

from cc_ci.recipes.policy.looking import Look
from cc_ci.recipes.policy.refusals import Refusal

NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
"""What the engine takes for a name, and what may be part of a path."""
LONGEST = {"config": 64, "secret": 64, "volume": 200, "network": 200}
"""Swarm's own for configs and secrets; a volume's is the name of a folder."""
TEMPLATE = re.compile(r"\{\{[^{}]*\}\}")
"""Swarm fills these in for each task."""
SERVICE = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9_-]*[a-zA-Z0-9])?")
"""Swarm's own rule for the name of a service."""
LONGEST_SERVICE = 63
OURS = ("cc-ci", "ccproxy")


def taken_name(look: Look, key: str, kind: str, name: str, *, external: bool) -> Iterator[Refusal]:
    """A name that is no name, that is cc-ci's own, or that something may have before the run makes it."""
    place = f"{key}.name"
    own = look.is_own_name(name)
    if kind == "volume" and TEMPLATE.search(name) and NAME.fullmatch(TEMPLATE.sub("x", name)):
        yield look.needs(f"volume-name:{name}", place, f"{name} becomes a name only on the node")
    elif not NAME.fullmatch(name):
        yield look.refuse(place, f"{name!r} is no {kind}'s name; it has letters, digits, dots, - and _")
    elif len(name) > LONGEST[kind]:
        yield look.refuse(
            place, f"{name} has {len(name)} characters, and a {kind}'s name ends at {LONGEST[kind]}"
        )
    elif _is_ours(look, name):
        yield look.refuse(place, f"{name} is a name that cc-ci gives", remedy="choose another one")
    elif external and not (own and kind == "secret"):
        permission = f"external-{kind}:{name}"
        yield look.needs(
            permission, f"{key}.external", f"{name} exists already and does not belong to this run"
        )
    elif not external and not own:
        what = f"{name} is fixed, so that it may be someone else's; put ${{STACK_NAME}}_ before it"
        yield look.needs(f"{kind}-name:{name}", place, what)


def service_names(look: Look) -> Iterator[Refusal]:
    for name in look.stack.services:
        full = f"{look.stack.name}_{name}"
        if not SERVICE.fullmatch(name):
            yield look.refuse(
                f"services.{name}", "is no service's name; it has letters, digits, - and _ inside"
            )
        elif len(full) > LONGEST_SERVICE:
            what = f"{full} has {len(full)} characters, and a service's name ends at {LONGEST_SERVICE}"
            yield look.refuse(f"services.{name}", what, remedy="choose a shorter name")


def _is_ours(look: Look, name: str) -> bool:
    rest = name.removeprefix(look.stack.name).lstrip("_")
    return rest.startswith(OURS)
