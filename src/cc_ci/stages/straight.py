"""When an app serves by itself: asked at its container, from the moment on at which that has an address.

It decides nothing, for only what comes through the proxy is what users see. It tells how much of a wait came
after the app was there: until Swarm called it healthy, and until the proxy knew of it.
"""

import contextlib
import functools
from collections.abc import Iterator
from concurrent.futures import Future

from cc_ci.backups.hooks import running_container
from cc_ci.probes.doors import AtDoor
from cc_ci.probes.expectation import Expected
from cc_ci.recipes.routes import Route, routes
from cc_ci.recipes.rule_reach import RoutedRequest, takes
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.system import stopping
from cc_ci.system.threads import Pool
from cc_ci.system.units import Seconds
from cc_ci.timing.phases import Phase

LOOK_TIMEOUT: Seconds = 5.0
"""Shorter than that of a sign that decides: one that takes longer than this is not there yet."""


@contextlib.contextmanager
def asked_straight(bench: Bench, deployed: Deployed, *, phase: Phase) -> Iterator[None]:
    """Ask for as long as the block takes, and record when it first answered well."""
    route = _route(deployed) if bench.waits.events and bench.node.private and deployed.web else None
    if route is None or route.port is None:
        yield
        return
    begun = bench.clock.monotonic()
    with Pool() as pool:
        found = pool.submit(_until_it_serves, bench, deployed, route)
        yield
        _record(bench, found, begun=begun, phase=phase)


def _route(deployed: Deployed) -> Route | None:
    """The router that takes what the app's own sign asks for."""
    sign = deployed.expectation
    host = sign.host or deployed.domain
    asked = RoutedRequest(host=host, path=sign.path.partition("?")[0], headers=sign.headers)
    known = (one for one in routes(deployed.stack) if one.tree and takes(one.tree, asked, syntax=one.syntax))
    return next(known, None)


def _until_it_serves(bench: Bench, deployed: Deployed, route: Route) -> tuple[Seconds, int]:
    locate = functools.partial(
        running_container, bench.engine, stack=deployed.stack.name, service=route.service
    )
    door = AtDoor(bench.engine, locate=locate, port=route.port or 0)
    sign: Expected = deployed.expectation
    looks = 0
    while True:
        looks += 1
        _, unmet = sign.asked(door, domain=deployed.domain, timeout=LOOK_TIMEOUT)
        if unmet is None:
            return bench.clock.monotonic(), looks
        # real time: it goes on beside what waits by the run's clock
        stopping.current().sleep(bench.waits.probe_interval)


def _record(bench: Bench, found: "Future[tuple[Seconds, int]]", *, begun: Seconds, phase: Phase) -> None:
    """Nothing is said of an app that did not answer, or whose container could not be asked."""
    if not found.done() or found.exception():
        return
    true_at, looks = found.result()
    span = bench.trace.record(
        "ready: the app, at its container", phase=phase, kind="sign", start=begun, end=true_at
    )
    span.note(waits_for="the app at its container", looks=looks)
