"""What exists on a node and of it on the machine: what, whose, how old. Two of them show what was left."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, get_args

import msgspec

from cc_ci_guard.errors import GuardUsageError

ThingKind = Literal[
    "service",
    "container",
    "network",
    "volume",
    "secret",
    "config",
    "router",
    "realm",
    "process",
    "namespace",
    "mount",
    "link",
    "route",
    "firewall rule",
    "file",
    "lock",
]
THING_KINDS: tuple[ThingKind, ...] = get_args(ThingKind)


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """One thing. `owner` is the run that it says it is of; `age` is in seconds, None where nothing tells."""

    kind: ThingKind
    name: str
    owner: str | None = None
    age: float | None = None

    @property
    def line(self) -> str:
        owner = f"of run {self.owner}" if self.owner else "of no run"
        age = "of unknown age" if self.age is None else f"{self.age:.0f} s old"
        return f"{self.kind} {self.name}: {owner}, {age}"


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A census. `unseen` has what could not be looked at, and why: it says nothing of these."""

    node: str
    things: tuple[Thing, ...]
    unseen: tuple[str, ...] = ()


class Residue(msgspec.Struct, frozen=True, kw_only=True):
    """`left` is new, `lost` is gone; `unseen` could be looked at before, and not any more."""

    left: tuple[Thing, ...]
    lost: tuple[Thing, ...]
    unseen: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        return not (self.left or self.lost or self.unseen)


def difference(before: Taken, after: Taken) -> Residue:
    """What came and went between two censuses of one node; of several with one name each counts."""
    if before.node != after.node:
        raise GuardUsageError(f"a census of {before.node} and one of {after.node}; take both of one node")
    return Residue(
        left=tuple(_only_in(after.things, before.things)),
        lost=tuple(_only_in(before.things, after.things)),
        unseen=tuple(one for one in after.unseen if one not in before.unseen),
    )


def _only_in(these: Sequence[Thing], those: Sequence[Thing]) -> Iterator[Thing]:
    known = Counter((thing.kind, thing.name) for thing in those)
    # the oldest are those that were there
    for thing in sorted(these, key=_order):
        if known[thing.kind, thing.name]:
            known[thing.kind, thing.name] -= 1
        else:
            yield thing


def _order(thing: Thing) -> tuple[int, str, float]:
    return THING_KINDS.index(thing.kind), thing.name, -(thing.age or 0.0)


def lines(residue: Residue) -> Iterator[str]:
    yield from (f"left: {thing.line}" for thing in residue.left)
    yield from (f"lost: {thing.line}" for thing in residue.lost)
    yield from (f"not seen any more: {one}" for one in residue.unseen)


def save(taken: Taken, path: Path) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(taken), indent=1) + b"\n")


def load(path: Path) -> Taken:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Taken)
    except (OSError, msgspec.MsgspecError) as error:
        raise GuardUsageError(
            f"{path}: no census ({error}); `cc-ci guard census --save` makes one"
        ) from error
