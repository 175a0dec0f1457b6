"""Removing things from a node in an order that works, and again until they are gone."""

from collections.abc import Callable, Iterable, Sequence

from cc_ci.engine.api import Engine
from cc_ci.errors import InfrastructureError
from cc_ci.isolation.items import KINDS, Item, ItemKind
from cc_ci.system.clock import Clock
from cc_ci.system.printable import one_line
from cc_ci.system.units import Seconds
from cc_ci.system.waiting import WaitTimeout, wait_until


def in_turn(items: Iterable[Item]) -> list[Item]:
    """Services before what they use."""
    return sorted(items, key=lambda item: (KINDS.index(item.kind), item.name))


def remove_all(
    engine: Engine,
    find: Callable[[], Sequence[Item]],
    *,
    name: str,
    clock: Clock,
    timeout: Seconds,
) -> tuple[str, ...]:
    """Remove what `find` finds until it finds nothing; a line for each thing that stayed.

    What can't go at once, as a network in use, is tried again. The next look tells what came of a removal.
    """
    failed: dict[str, str] = {}

    def sweep() -> Sequence[Item]:
        failed.clear()
        there = in_turn(find())
        for item in there:
            if error := _refused(engine, item):
                failed[item.id] = f"{item.kind} {one_line(item.name)}: {error}"
        # where nothing was refused, all of it may be gone by now
        return find() if there and not failed else there

    try:
        wait_until(
            sweep, name=name, ready=lambda there: not there, timeout=timeout, clock=clock, interval=0.5
        )
    except WaitTimeout:
        return tuple(failed.values()) or (f"{name}: what was removed came back",)
    return ()


def _refused(engine: Engine, item: Item) -> str | None:
    try:
        remove(engine, item)
    except InfrastructureError as error:
        return str(error)
    return None


def remove(engine: Engine, item: Item) -> None:
    """Remove one thing by its id; it may be gone already."""
    removals: dict[ItemKind, Callable[[str], None]] = {
        "service": engine.remove_service,
        "container": engine.remove_container,
        "network": engine.remove_network,
        "volume": engine.remove_volume,
        "secret": engine.remove_secret,
        "config": engine.remove_config,
    }
    removals[item.kind](item.id)
