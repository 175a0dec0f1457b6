"""Judge an app before it is deployed: what it may not have here, and what was trusted."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

from cc_ci.recipes.policy.keys import CHECKS, WHOLES
from cc_ci.recipes.policy.looking import Look
from cc_ci.recipes.policy.permissions import unused
from cc_ci.recipes.policy.refusals import GRAVEST, Refusal

SECTIONS = ("services", "networks", "volumes", "configs", "secrets")


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """`refusals`, the gravest first; `trusted`: needed and given; `idle`: a line on each needless one."""

    refusals: tuple[Refusal, ...] = ()
    remarks: tuple[Refusal, ...] = ()
    trusted: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()


def judge(look: Look, *, trusted: Collection[str] = ()) -> Judgement:
    """Judge an app at a place; `trusted` are permissions by name."""
    found = tuple(dict.fromkeys(refusals(look)))
    needed = dict.fromkeys(one.permission for one in found if one.permission)
    blocking = [
        one for one in found if one.blocks and (one.permission is None or one.permission not in trusted)
    ]
    return Judgement(
        refusals=tuple(sorted(blocking, key=lambda one: GRAVEST.index(one.blame))),
        remarks=tuple(one for one in found if not one.blocks),
        trusted=tuple(name for name in needed if name in trusted),
        idle=tuple(unused(name, needed) for name in trusted if name not in needed),
    )


def refusals(look: Look) -> Iterator[Refusal]:
    """All that is refused by default, in the order of the files' sections."""
    tree = look.stack.merged.tree
    for section in SECTIONS:
        for name, entry in tree.get(section, {}).items():
            yield from _of_keys(look, f"{section}.*", f"{section}.{name}", name, entry)
    for whole in WHOLES:
        yield from whole(look)


def _of_keys(look: Look, pattern: str, key: str, name: str, value: Mapping[str, Any]) -> Iterator[Refusal]:
    for child, inner in value.items():
        place, inner_key = f"{pattern}.{child}", f"{key}.{child}"
        if place in CHECKS:
            yield from CHECKS[place](look, inner_key, name, inner)
        elif isinstance(inner, dict):
            yield from _of_keys(look, place, inner_key, name, inner)
