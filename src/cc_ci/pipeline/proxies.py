"""The proxies of a run on a private node: one for all, and one for each deployment that needs its own."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from concurrent import futures
from typing import NamedTuple

import msgspec

from cc_ci.engine.api import Engine
from cc_ci.engine.labels import SERVES, RunLabels
from cc_ci.engine.node import Node
from cc_ci.lab.run_proxy import RunProxy
from cc_ci.pipeline.instruments import Instruments
from cc_ci.probes.answers import Requester
from cc_ci.stages.bench import Door
from cc_ci.system.clock import Clock
from cc_ci.system.process import Runner
from cc_ci.system.threads import Pool
from cc_ci.system.units import Seconds

PATIENCE: Seconds = 60.0


class Brought(NamedTuple):
    """The run's own proxy, those of single deployments, and the node as it is seen from behind each."""

    proxy: RunProxy
    node: Node
    own: Mapping[str, RunProxy]
    nodes: Mapping[str, Node]


def doors(
    nodes: Mapping[str, Node],
    ask: Callable[[Node], contextlib.AbstractContextManager[Requester]],
    closers: contextlib.ExitStack,
) -> dict[str, Door]:
    """The ways to deployments that have a proxy of their own."""
    return {name: Door(node=node, requester=closers.enter_context(ask(node))) for name, node in nodes.items()}


def bring(
    node: Node,
    engine: Engine,
    runner: Runner,
    *,
    labels: RunLabels,
    own: Sequence[str],
    instruments: Instruments,
    clock: Clock,
    closers: contextlib.ExitStack,
    refresh: Seconds,
) -> Brought:
    """Start them all at once; `own` are deployments whose services no other proxy may lead to."""

    def made(serves: Mapping[str, str]) -> RunProxy:
        proxy = instruments.proxy(
            node, engine, runner, labels={**labels.all(), **serves}, clock=clock, refresh=refresh
        )
        closers.callback(proxy.remove)
        return proxy

    proxy, of = made({}), {name: made({SERVES: name}) for name in own}
    with Pool() as pool:
        starting = {name: pool.submit(one.start) for name, one in of.items()}
        try:
            shared = proxy.start()
        finally:
            # one that comes up after all were removed would stay
            futures.wait(starting.values(), timeout=PATIENCE)
        nodes = {name: one.result() for name, one in starting.items()}
    addresses = tuple(one.address for one in nodes.values())
    shared = msgspec.structs.replace(shared, own_proxies=addresses)
    return Brought(proxy, shared, of, nodes)
