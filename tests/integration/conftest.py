"""One real node for the tests that need no special one, and the images that they deploy."""

import os
from collections.abc import Iterator

import pytest
from nodes_of_tests import wanted

from cc_ci.engine.node import Node
from cc_ci.lab import node as lab_node
from cc_ci.lab.builds import build, outdated
from cc_ci.lab.images import read_images, select
from cc_ci.lab.workshop import workshop
from cc_ci.system.clock import SystemClock
from cc_ci.system.process import LocalRunner

NAME = os.environ.get("CC_CI_TEST_NODE", "test") + os.environ.get("PYTEST_XDIST_WORKER", "")
"""Tests side by side have a node each."""
HEAVY_NODE = os.environ.get("CC_CI_HEAVY_NODE", "heavy") + os.environ.get("PYTEST_XDIST_WORKER", "")
HUB = os.environ.get("CC_CI_IMAGES") == "hub"
"""On the true images, where a hub can be reached."""


LONGEST = (
    *("test_run", "test_faults", "test_node", "test_run_endings", "test_ownership", "test_new_suite"),
    *("test_foreign", "test_backups", "test_engine", "test_images", "test_abra", "test_limits"),
)
"""Modules that take a minute and more: begun last, each would be what all others wait for."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(LONGEST)))


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    # anew: what tests left that were killed is in nobody's census; its proxies look for routes every second
    yield lab_node.PrivateNode(NAME).reset(wanted(refresh=1.0, throttle=0.1))
    lab_node.down(NAME)


@pytest.fixture(scope="session")
def busybox() -> None:
    """See that the small image is in the lab's registry."""
    if not outdated(wanted := select(read_images(), ["busybox"])):
        return
    with workshop(runner=LocalRunner(), clock=SystemClock(), say=print) as builder:
        # another worker may have built it while this one waited for its turn
        if due := outdated(wanted):
            build(due, builder=builder)


@pytest.fixture(scope="session")
def reference() -> Iterator[Node]:
    """The reference node, 2 CPUs and 6 GB whatever the machine has, and every image that recipes name."""
    if not HUB and (due := outdated(read_images())):
        with workshop(runner=LocalRunner(), clock=SystemClock(), say=print) as builder:
            build(due, builder=builder)
    wants = wanted(cpus=2.0, memory_bytes=6 * 2**30, images="hub" if HUB else "standin")
    # what a killed run left there would be in the census before, and its reaping in none after
    yield lab_node.PrivateNode(HEAVY_NODE).reset(wants)
    lab_node.down(HEAVY_NODE)
