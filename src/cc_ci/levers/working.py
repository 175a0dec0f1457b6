"""Levers of the work that is done beside the waiting: suites, backups, images, providers."""

from collections.abc import Mapping

from cc_ci.levers.lever import Lever, ProfileName
from cc_ci.levers.values import Value, Words
from cc_ci.timing.phases import Phase

NO_YES = Words(("no", "yes"))
CALLS: frozenset[Phase] = frozenset({"seed", "verify", "test", "overhead"})
"""The phases in which a suite is called."""


def but_for_fast(usual: Value, *, fast: Value) -> Mapping[ProfileName, Value]:
    """Values by profile: `fast` has one of its own, all others share the other."""
    return {"stock": usual, "peer": usual, "fast": fast, "bare": usual}


WORK = (
    Lever(
        name="images.pulls",
        values=Words(("1", "2", "3", "4")),
        neutral="1",
        profiles=but_for_fast("1", fast="3"),
        idea="A",
        changes="how many images of one version are pulled beside each other",
        risk="pulls beside each other take turns on the wire and the CPU, so that each ends later",
        touches=frozenset({"images_pull", "provider_setup"}),
        guard="the same images by the same digests; one that does not exist is the recipe's fault as before",
    ),
    Lever(
        name="provider.pause",
        values=NO_YES,
        neutral="yes",
        profiles=but_for_fast("yes", fast="yes"),
        idea="D",
        changes="yes: the warm provider takes no CPU between runs; no: it runs on until `cc-ci reap`",
        risk="one that runs on takes CPU from runs that don't use it; one that is paused has to be woken",
        touches=frozenset({"provider_setup", "teardown"}),
        guard="a digest of all that no run owns, before and after each run",
    ),
    Lever(
        name="suite.ahead",
        values=NO_YES,
        neutral="no",
        profiles=but_for_fast("no", fast="yes"),
        idea="E",
        changes="yes: sandboxes for the suite's next calls are made while apps boot, with their programs "
        "loaded; each is still for one call",
        risk="what is made ahead takes CPU and memory from apps that boot",
        touches=CALLS,
        guard="the attacks of suites, tried in both values; a call finds nothing that another left",
    ),
    Lever(
        name="browser.ahead",
        values=NO_YES,
        neutral="no",
        profiles=but_for_fast("no", fast="yes"),
        idea="E",
        changes="yes: the browser of the suite's next call is started while apps boot; each test still has a "
        "profile of its own, and each call a browser",
        risk="a browser that waits holds about 200 MB",
        touches=CALLS,
        guard="the same tests of browsers in both values; a browser that died meanwhile is started anew",
    ),
    Lever(
        name="backup.minimal",
        values=NO_YES,
        neutral="no",
        profiles=but_for_fast("no", fast="yes"),
        idea="C",
        changes="yes: restic's repository is made while apps boot, and what a backup has is listed once, "
        "beside the work that follows it",
        risk="restic takes CPU from apps that boot",
        touches=frozenset({"backup", "restore", "verify", "seed"}),
        guard="the same backups and restores; a listing belongs to its snapshot, which never changes",
    ),
)
