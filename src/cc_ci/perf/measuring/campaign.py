"""Measure a set from beginning to end, on a node brought up for it: a new set, or one that lacks runs."""

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import msgspec

from cc_ci.engine.docker_engine import connect
from cc_ci.engine.node import Node
from cc_ci.errors import UsageError
from cc_ci.levers.arms import read_arm
from cc_ci.perf.baselines import sets
from cc_ci.perf.baselines.sets import Calls
from cc_ci.perf.measuring.baseline import measure
from cc_ci.perf.measuring.canary import canary, disk_rate
from cc_ci.perf.measuring.floor import measure_calls
from cc_ci.perf.measuring.foreign import RunGroup
from cc_ci.perf.measuring.past import past
from cc_ci.perf.measuring.reference_node import ReferenceBench, services, this_code, unreachable
from cc_ci.perf.measuring.reference_nodes import reference_nodes
from cc_ci.results.engines import EngineUsed
from cc_ci.system.clock import SystemClock
from cc_ci.system.files import free_name, state_root
from cc_ci.system.process import LocalRunner

CALLS = 5
CANARIES = 5
"""At a set's beginning: what is usual."""
ROOTS = tuple(map(Path, ("baselines", "engines", "limits")))
"""Where the commands that measure keep their sets."""
Lacking = Mapping[str, tuple[str, ...]]
"""By recipe, the images that no registry here has."""


def campaign(
    asked: sets.Asked, *, node: str, root: Path, new: bool, mix_code: bool, tell: Callable[[str], None]
) -> tuple[Path, tuple[int, ...]]:
    """Measure what was `asked`, below `root`; the set's folder, and the places that don't count yet.

    Hold the measuring lock while it runs. The node is reset at first and taken down at the end. Raises
    UsageError where a set would be taken up with another state of the code, unless `mix_code`.
    """
    for arm in asked.arms:
        read_arm(arm)
    group, code = RunGroup(), this_code()
    group.create()
    group.require_empty()
    lacking = unreachable(asked.recipes) if asked.images == "standin" else {}
    taken_up = None if new else to_take_up(asked, root, lacking)
    if taken_up and not mix_code:
        require_one_code(taken_up, code, lacking)
    nodes = reference_nodes(node, asked, say=tell)
    try:
        engines = nodes.reset()
        if taken_up:
            sets.require_engines(taken_up, engines)
            _take_in(taken_up, lacking, nodes.up, tell=tell)
            tell(f"{taken_up}: taken up again")
        folder = taken_up or _begin(asked, lacking, nodes.up, engines, root=root, tell=tell)
        results = state_root() / "measured" / folder.name
        bench = ReferenceBench(nodes, group=group, results=results, clock=SystemClock(), say=tell)
        known = past(asked, [root, *ROOTS])
        missing = measure(folder, bench, code=code, lacking=lacking, past=known, say=tell)
    finally:
        nodes.down()
    if missing:
        tell(f"{folder}: {len(missing)} runs did not count; the same command tries them again")
    else:
        tell(f"{folder}: complete")
    return folder, missing


def to_take_up(asked: sets.Asked, root: Path, lacking: Lacking) -> Path | None:
    """The newest set of the question that lacks runs, or will when recipes are added that it lacked."""
    for found in sets.alike(root, asked, sets.this_host()):
        if sets.unfinished(found, lacking) or sets.read_facts(found).lacking.keys() - lacking.keys():
            return found
    return None


def require_one_code(folder: Path, code: str, lacking: Collection[str] = ()) -> None:
    """Raise UsageError if recipes that lack runs have some of another state of the code already."""
    if others := sets.other_codes(folder, code, lacking):
        raise UsageError(
            f"{folder}: its runs are of code {', '.join(others)}, this is {code}, and medians are of one;"
            " check that one out, or give --new to begin a set, or --mix-code to go on with this"
        )


def _take_in(folder: Path, lacking: Lacking, node: Node, *, tell: Callable[[str], None]) -> None:
    """Add the recipes whose images have come since the set was begun to its order."""
    facts = sets.read_facts(folder)
    came = tuple(recipe for recipe in facts.lacking if recipe not in lacking)
    if came:
        tell(f"{folder}: {', '.join(came)} can be measured now")
        calls = {**facts.calls, **_all_calls(facts.asked, came, node, tell=tell)}
        sets.write_facts(msgspec.structs.replace(facts, added=(*facts.added, *came), calls=calls), folder)


def _begin(
    asked: sets.Asked,
    lacking: Lacking,
    node: Node,
    engines: Mapping[str, EngineUsed],
    *,
    root: Path,
    tell: Callable[[str], None],
) -> Path:
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    for recipe, images in lacking.items():
        tell(f"{recipe}: not measured: no registry here has {', '.join(images)}")
    clock, scratch = SystemClock(), state_root() / "scratch"
    facts = sets.SetFacts(
        asked=asked,
        host=sets.this_host(),
        began=today,
        canaries=tuple(canary(scratch, clock) for _ in range(CANARIES)),
        unreachable=lacking,
        engines=engines,
    )
    if asked.measures_bare:
        there = [recipe for recipe in asked.recipes if recipe not in lacking]
        calls = _all_calls(asked, there, node, tell=tell)
        facts = msgspec.structs.replace(
            facts, calls=calls, disk_rate=disk_rate(scratch, clock), pulls="side by side"
        )
    folder = free_name(root, f"{today}-{asked.node}")
    sets.write_facts(facts, folder)
    tell(f"{folder}: {len(facts.order)} runs")
    return folder


def _all_calls(
    asked: sets.Asked, recipes: Sequence[str], node: Node, *, tell: Callable[[str], None]
) -> dict[str, tuple[Calls, ...]]:
    if not asked.measures_bare:
        return {}
    return {recipe: _calls(node, services(recipe), tell=tell) for recipe in recipes}


def _calls(node: Node, count: int, *, tell: Callable[[str], None]) -> tuple[Calls, ...]:
    tell(f"Swarm's own time for {count} services, {CALLS} times")
    engine = connect(node, LocalRunner())
    return tuple(measure_calls(engine, LocalRunner(), SystemClock(), services=count) for _ in range(CALLS))
