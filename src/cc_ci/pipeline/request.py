"""What is asked of a run, and what comes of it."""

from pathlib import Path

import msgspec

from cc_ci.engine.node import Node
from cc_ci.levers.arms import Chosen, choose
from cc_ci.pipeline.subject import Choice
from cc_ci.pipeline.trust import Trust
from cc_ci.results.measured import Cache
from cc_ci.results.schema import RunResult, StageName
from cc_ci.results.store import RunFolder
from cc_ci.system.units import Seconds


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for: `recipe` is a name, a folder or an address of a repository."""

    recipe: str
    node: Node
    arm: Chosen = choose()
    choice: Choice = Choice()
    variant: str | None = None
    stage: StageName | None = None
    cache: Cache | None = None
    keep: bool = False
    exit_first: bool = False
    """End the run at the first step that is red."""
    deadline: Seconds = 3600.0
    recipe_roots: tuple[Path, ...] = ()
    suite_roots: tuple[Path, ...] = ()
    trust: Trust = Trust()
    soak: bool = False
    """Leave the app alone for two of its longest health interval, a minute at least, and see it live on."""


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """A finished run, the node as it saw it, and the app that was left up, if any."""

    result: RunResult
    folder: RunFolder
    node: Node
    kept_domain: str | None = None
