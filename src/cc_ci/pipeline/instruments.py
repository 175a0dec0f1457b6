"""What a run works with, chosen by its node and its arm; a test gives it other ones."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cc_ci.engine.abra_driver import AbraDriver, abra_is_there, require_abra
from cc_ci.engine.api import Engine
from cc_ci.engine.bare_driver import BareDriver
from cc_ci.engine.docker_engine import connect
from cc_ci.engine.driver import Driver
from cc_ci.engine.node import Node
from cc_ci.engine.stack_driver import StackDriver
from cc_ci.engine.standings import Standings
from cc_ci.errors import Stopped
from cc_ci.isolation.app_groups import AppGroups
from cc_ci.isolation.limit_watch import LimitWatch
from cc_ci.isolation.written import RunsData
from cc_ci.lab.places import places
from cc_ci.lab.run_proxy import RunProxy
from cc_ci.levers.arms import Chosen
from cc_ci.pipeline.exhausted import NoWatch, Watches
from cc_ci.probes.answers import Requester
from cc_ci.probes.helper import PROBE_IMAGE, HelperProbe
from cc_ci.probes.http import Probe, reachable
from cc_ci.providers.warm import WarmKeycloak
from cc_ci.results.store import Store
from cc_ci.stages.bench import Findings
from cc_ci.suite.api import Suites
from cc_ci.suite.runner import SuiteRunner
from cc_ci.system.clock import Clock
from cc_ci.system.process import Runner
from cc_ci.system.redaction import Redactor
from cc_ci.system.units import Seconds
from cc_ci.timing.own_cost import OwnCost
from cc_ci.timing.readings import NodeReader
from cc_ci.timing.sampler import ResourceSampler
from cc_ci.timing.trace import Trace


def driver(
    arm: Chosen,
    stacks: StackDriver,
    engine: Engine,
    runner: Runner,
    *,
    node: Node,
    trace: Trace,
    home: Path,
) -> Driver:
    """The driver that the arm asks for; `home` is abra's own folder, of this run alone."""
    which = arm.word("deploy.driver")
    if which == "stack" or (which == "operators" and not abra_is_there()):
        return stacks
    if not arm.deploys:
        return BareDriver(stacks, engine, runner, node, span=functools.partial(trace.span, phase=None))
    require_abra()
    return AbraDriver(stacks, engine, runner, home=home, span=functools.partial(trace.span, phase=None))


def without_abra(arm: Chosen) -> str | None:
    """A line for a run that would take the operators' own way, where abra is not there."""
    if arm.word("deploy.driver") != "operators" or abra_is_there():
        return None
    return "abra: not on PATH, so cc-ci's own driver deployed; install abra to deploy as operators do"


@contextlib.contextmanager
def requester(node: Node, runner: Runner, *, findings: Findings) -> Iterator[Requester]:
    """Ask from here where the node's proxy can be reached, else from a container on the node."""
    if node.private or reachable(node.address):
        with Probe(node) as probe:
            yield probe
        return
    findings.warn("helper-probe", f"node: {node.address} is out of reach from here; a container asks")
    yield HelperProbe(node, runner, image=PROBE_IMAGE)


def sampler(node: Node, *, elapsed: Callable[[], Seconds]) -> ResourceSampler:
    group = node.cgroup
    reader = NodeReader(
        stack=f"{group}/stack" if group else None,
        engine=f"{group}/engine" if group else None,
        suite=f"{group}/suite" if group else None,
    )
    return ResourceSampler(reader, elapsed=elapsed)


def suites(node: Node, engine: Engine, runner: Runner, clock: Clock, redact: Redactor) -> Suites:
    return SuiteRunner(node=node, runner=runner, clock=clock, logs=engine.logs, redact=redact)


def watch(
    node: Node,
    engine: Engine,
    runner: Runner,
    *,
    run: str,
    stop: Callable[[Stopped], object],
    closers: contextlib.ExitStack,
) -> Watches:
    """Look after the limits of a private node for as long as `closers` are open."""
    if node.apps is None or node.cgroup is None:
        return NoWatch()
    here, groups = places(node.name), AppGroups(node.cgroup)
    data = RunsData(engine, here, run=run, runner=runner, pids=groups.pids)
    watching = LimitWatch(engine, groups, data, run=run, limits=node.apps, folder=here.state, stop=stop)
    return closers.enter_context(watching)


class Asks(Protocol):
    def __call__(
        self, node: Node, runner: Runner, *, findings: Findings
    ) -> AbstractContextManager[Requester]: ...


class Samples(Protocol):
    def __call__(self, node: Node, *, elapsed: Callable[[], Seconds]) -> ResourceSampler: ...


@dataclass(frozen=True, kw_only=True)
class Instruments:
    """How a run reaches the engine, asks the app, runs suites and samples the node: the real ways."""

    connect: Callable[[Node, Runner], Engine] = connect
    requester: Asks = requester
    suites: Callable[[Node, Engine, Runner, Clock, Redactor], Suites] = suites
    sampler: Samples = sampler
    proxy: Callable[..., RunProxy] = RunProxy
    watch: Callable[..., Watches] = watch
    warm: Callable[..., WarmKeycloak] = WarmKeycloak


REAL = Instruments()


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What a run is given from outside."""

    runner: Runner
    clock: Clock
    redact: Redactor
    store: Store
    trace: Trace
    tell: Callable[[str], None]
    instruments: Instruments
    cost: OwnCost
    standings: Standings | None = None
    """Hears what is waited for; None where nobody looks."""
