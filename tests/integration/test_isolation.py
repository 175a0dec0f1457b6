"""Leases, census and reaper on a real node, with holders that are killed or live where they can't be seen."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import msgspec
import pytest
from nodes_of_tests import ready_for, wanted

from cc_ci.engine.docker_engine import DockerEngine, connect
from cc_ci.engine.node import Node
from cc_ci.isolation.census import lasting_difference, take
from cc_ci.isolation.leases import Keeper, liveness
from cc_ci.isolation.locks import try_lock, unlock
from cc_ci.isolation.reaper import Reaper
from cc_ci.lab import node as lab_node
from cc_ci.system.clock import SystemClock
from cc_ci.system.process import LocalRunner
from cc_ci.testkit.leases import leased

NAME = "isof" + os.environ.get("PYTEST_XDIST_WORKER", "")
"""Tests side by side have a node each."""

pytestmark = pytest.mark.integration

HOLDER = """
import sys, msgspec
from cc_ci.engine.docker_engine import connect
from cc_ci.engine.node import Node
from cc_ci.isolation.leases import Keeper
from cc_ci.system.process import LocalRunner
node = msgspec.json.decode(sys.argv[1], type=Node, dec_hook=lambda kind, value: kind(value))
engine = connect(node, LocalRunner())
Keeper(engine, run=sys.argv[2]).take()
print("taken", flush=True)
sys.stdin.read()
"""
Hold = Callable[..., "subprocess.Popen[str]"]
IN_ITS_OWN_NAMESPACE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    yield ready_for(NAME).up(wanted())
    lab_node.down(NAME)


@pytest.fixture(scope="module")
def engine(node: Node) -> DockerEngine:
    return connect(node, LocalRunner())


@pytest.fixture
def reaper(engine: DockerEngine) -> Iterator[Reaper]:
    """A reaper on a node that is left as it was found."""
    made = Reaper(engine, clock=SystemClock())
    made.reap()
    before = take(engine)
    yield made
    made.reap()
    assert lasting_difference(engine, before, clock=SystemClock())[0].leaks == ()


@pytest.fixture
def hold(node: Node) -> Iterator[Hold]:
    """Start a process that has taken the lease of a run when this returns, behind a prefix of its command."""
    begun: list[subprocess.Popen[str]] = []

    def start(run: str, *prefix: str) -> "subprocess.Popen[str]":
        argv = [*prefix, sys.executable, "-c", HOLDER, msgspec.json.encode(node, enc_hook=str).decode(), run]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        begun.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "taken\n"
        return process

    yield start
    for process in begun:
        kill(process)


def kill(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait()


def make(engine: DockerEngine, run: str) -> None:
    """One of each kind; the service stays without a container, since its image exists nowhere."""
    labels = {"cc-ci.run": run}
    engine.create_volume(f"{run}_content", labels=labels)
    engine.create_network(f"{run}_proxy", labels=labels)
    engine.create_secret(f"{run}_password", value="made-up", labels=labels)
    engine.create_config(f"{run}_conf", content=b"x", labels=labels)


def test_what_a_killed_run_left_goes_at_once(engine: DockerEngine, reaper: Reaper, hold: Hold) -> None:
    process = hold("r-killed")
    make(engine, "r-killed")
    assert liveness(engine)["r-killed"].live
    assert reaper.reap().removed == ()
    kill(process)
    reaped = reaper.reap()
    assert [item.kind for item in reaped.removed] == ["network", "volume", "secret", "config"]
    assert reaped.failed == ()
    assert reaper.reap().removed == ()


def test_a_run_in_another_container_is_never_taken_for_dead(
    engine: DockerEngine, reaper: Reaper, hold: Hold
) -> None:
    process = hold("r-unseen", *IN_ITS_OWN_NAMESPACE)
    make(engine, "r-unseen")
    judged = liveness(engine)["r-unseen"]
    assert judged.live
    assert "its lease was renewed" in judged.reason
    assert reaper.reap(only="r-unseen").removed == ()
    kill(process)
    assert reaper.reap().removed == ()
    for config in engine.configs({"cc-ci.role": "lease", "cc-ci.run": "r-unseen"}):
        engine.remove_config(config.id)
    assert len(reaper.reap().removed) == 4


def test_a_lock_outlives_no_run(engine: DockerEngine, reaper: Reaper, hold: Hold) -> None:
    process = hold("r-first")
    with leased(Keeper(engine, run="r-second")):
        assert try_lock(engine, what="proxy", run="r-first") is None
        assert "in use by run r-first" in (try_lock(engine, what="proxy", run="r-second") or "")
        kill(process)
        assert try_lock(engine, what="proxy", run="r-second") is None
        unlock(engine, what="proxy", run="r-second")


def test_the_engines_clock_tells_the_age(engine: DockerEngine, reaper: Reaper) -> None:
    keeper = Keeper(engine, run="r-renewed", beat=0.2)
    with leased(keeper):
        first = engine.configs({"cc-ci.run": "r-renewed"})
        with engine.events(since=engine.now(), kinds=("config",)) as events:
            assert events.next(10.0) is not None
        assert {config.name for config in first} != {
            config.name for config in engine.configs({"cc-ci.run": "r-renewed"})
        }
    assert engine.configs({"cc-ci.run": "r-renewed"}) == ()
