"""The nodes of integration tests: their engine is the one of CC_CI_TEST_ENGINE.

A name of `cc-ci engine list`, a suite, or `system`; by default the one that a new node gets.
"""

import functools
import os
from typing import Any

from cc_ci.lab.engine_choice import engine_for
from cc_ci.lab.node import PrivateNode
from cc_ci.lab.node_records import Wanted
from cc_ci.system.process import LocalRunner

ASKED = os.environ.get("CC_CI_TEST_ENGINE") or None


@functools.cache
def engine() -> str:
    """Its exact name; built where that is needed and it is not there."""
    return engine_for(ASKED, runner=LocalRunner(), say=print)


def wanted(**values: Any) -> Wanted:
    """As `Wanted`, with the engine that is tried."""
    return Wanted(engine=engine(), **values)


def ready_for(name: str) -> PrivateNode:
    """The node of that name, without what tests with another engine have left."""
    node = PrivateNode(name)
    if node.record and node.record.wanted.engine != engine():
        node.forget()
    return node
