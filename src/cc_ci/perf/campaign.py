"""Measure a set from beginning to end, on a node brought up for it: a new set, or one that lacks runs."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

from cc_ci.lab.node import PrivateNode, Wanted
from cc_ci.perf import sets
from cc_ci.perf.baseline import measure
from cc_ci.perf.canary import canary
from cc_ci.perf.reference_node import ReferenceBench, unreachable
from cc_ci.system.clock import SystemClock
from cc_ci.system.files import state_root

CANARIES = 5
"""At a set's beginning: what is usual."""
Say = Callable[[str], None]


def campaign(
    asked: sets.Asked, *, node: str, root: Path, new: bool, tell: Say
) -> tuple[Path, tuple[int, ...]]:
    """Measure what was `asked`, below `root`; the set's folder, and the places that don't count yet.

    Hold the measuring lock while it runs. The node is reset at first and taken down at the end.
    """
    private = PrivateNode(node, say=tell)
    wanted = Wanted(cpus=asked.cpus, memory_bytes=asked.memory_bytes, bandwidth=asked.bandwidth)
    try:
        # anew: what an ended process left there is in nobody's way, and takes no CPU
        up = private.reset(wanted)
        folder = _folder(asked, root=root, new=new, tell=tell)
        results = state_root() / "measured" / folder.name
        bench = ReferenceBench(up, results=results, clock=SystemClock(), say=tell)
        missing = measure(folder, bench, say=tell)
    finally:
        private.down()
    if missing:
        tell(f"{folder}: {len(missing)} runs did not come to count; the same command tries them again")
    else:
        tell(f"{folder}: complete; `cc-ci perf docs` makes its tables")
    return folder, missing


def _folder(asked: sets.Asked, *, root: Path, new: bool, tell: Say) -> Path:
    host = sets.this_host()
    found = None if new else sets.unfinished(root, asked, host)
    if found:
        tell(f"{found}: taken up again")
        return found
    return _begin(asked, host, root=root, tell=tell)


def _begin(asked: sets.Asked, host: sets.Host, *, root: Path, tell: Say) -> Path:
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    lacking = unreachable(asked.recipes)
    for recipe, images in lacking.items():
        tell(f"{recipe}: not measured: no registry here has {', '.join(images)}")
    facts = sets.Facts(
        asked=asked,
        host=host,
        began=today,
        canaries=tuple(canary(state_root() / "scratch", SystemClock()) for _ in range(CANARIES)),
        unreachable=lacking,
    )
    folder = sets.free_name(root, f"{today}-{asked.node}")
    sets.write_facts(facts, folder)
    tell(f"{folder}: {len(facts.order)} runs")
    return folder
