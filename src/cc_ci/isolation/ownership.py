"""What of a dead run may be removed: what carries its label, and what nothing speaks against.

A label alone is no proof. Whoever copies a compose file from a run's folder copies its labels, too, and on a
node of somebody else's anybody may write them.
"""

import calendar
import re
import time
from collections.abc import Collection, Iterator

from cc_ci.engine.labels import DEPLOYMENT, EXPIRES, RECIPE, ROLE, RUN
from cc_ci.isolation.items import Item, run_of
from cc_ci.system.printable import one_line
from cc_ci.system.units import EpochSeconds, Seconds

ALL_LABELS = (RUN, RECIPE, DEPLOYMENT, EXPIRES)
"""Whatever a run makes carries them all."""
STAMP = re.compile(r"-(\d{8}-\d{6})-[0-9a-f]{4}")
ANONYMOUS = re.compile(r"[0-9a-f]{64}")
"""What the engine calls a volume that nobody named."""
GRACE: Seconds = 3600.0
"""A teardown goes on after a run's deadline; and clocks of a runner and an engine may differ."""


def doubt(item: Item, *, among: Collection[Item], dead: Collection[str], foreign: bool) -> str | None:
    """Why a thing that seems to be of a `dead` run may not be; None where nothing speaks against it."""
    return next((reason for reason in _doubts(item, among, dead, foreign=foreign) if reason), None)


def _doubts(
    item: Item, among: Collection[Item], dead: Collection[str], *, foreign: bool
) -> Iterator[str | None]:
    yield _of_labels(item, foreign=foreign)
    yield _of_time(item)
    yield _of_use(item, among, dead)


def _of_labels(item: Item, *, foreign: bool) -> str | None:
    if run_of(item.labels) is None:
        if foreign:
            return "it has no label of a run, and this node is not cc-ci's own"
        if item.stack is None and not ANONYMOUS.fullmatch(item.name):
            return "it has no label of a run, and somebody gave it a name"
        return None
    if foreign and (missing := [label for label in ALL_LABELS if label not in item.labels]):
        return f"it has a run's label and no {missing[0]}, which all that a run makes has"
    return None


def _of_time(item: Item) -> str | None:
    """Swarm starts a service's containers anew whenever it likes; all else is made while its run goes."""
    if item.kind == "container" or not item.created:
        return None
    began, ended = _began(run_of(item.labels) or ""), _expiry(item)
    if began is not None and item.created < began - GRACE:
        return f"it is from {_told(item.created)}, before the run that its label names"
    if ended is not None and item.created > ended + GRACE:
        return f"it is from {_told(item.created)}, after the end of the run that its label names"
    return None


def _began(run: str) -> EpochSeconds | None:
    """A run's id says when it began."""
    stamp = STAMP.search(run)
    if stamp is None:
        return None
    try:
        return EpochSeconds(float(calendar.timegm(time.strptime(stamp[1], "%Y%m%d-%H%M%S"))))
    except ValueError:
        return None


def _expiry(item: Item) -> EpochSeconds | None:
    text = item.labels.get(EXPIRES, "")
    return EpochSeconds(float(text)) if re.fullmatch(r"\d{1,12}", text, re.ASCII) else None


def _told(stamp: EpochSeconds) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(stamp))


def _of_use(item: Item, among: Collection[Item], dead: Collection[str]) -> str | None:
    """Whatever its label says, what somebody else works with is not taken away."""
    for other in among:
        own = other.said and other.run in dead
        if other.kind != "container" or own or ROLE in other.labels:
            continue
        used = other.volumes if item.kind == "volume" else other.networks if item.kind == "network" else ()
        if item.name in used:
            return f"container {one_line(other.name, most=100)}, which is not of that run, uses it"
    return None
