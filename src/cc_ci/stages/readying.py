"""Wait for all signs by which an app says that it serves, and record how long each took."""

import functools
from collections.abc import Sequence

import msgspec

from cc_ci.backups.hooks import running_container
from cc_ci.errors import InfrastructureError, StageFailed
from cc_ci.probes.answers import Answer, unreached
from cc_ci.probes.containers import straight
from cc_ci.probes.expectation import Expectation, Expected
from cc_ci.probes.generic import explain
from cc_ci.probes.hedging import Hedged
from cc_ci.probes.listening import listening, told
from cc_ci.probes.predicates import AtContainer, InContainer, ThroughProxy
from cc_ci.probes.ready import Held, NotReady, Predicate, Readying
from cc_ci.recipes.routes import Route, routes
from cc_ci.recipes.rule_reach import RoutedRequest, takes
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.evidence import keep_answers
from cc_ci.stages.showing import attentive
from cc_ci.suite.facts import APP_SIGN, FACTS_FILE, Sign
from cc_ci.suite.front import at, life
from cc_ci.system.units import Seconds
from cc_ci.timing.actions import HOLD
from cc_ci.timing.phases import Phase

OK = 200


def wait_ready(bench: Bench, deployed: Deployed, signs: Sequence[Predicate], *, phase: Phase) -> None:
    """Return when all signs held once and the hold is over; each becomes a span, also when it is in vain.

    Without a sign there is nothing to wait for: the app has converged.
    """
    if not signs:
        return
    together = [signs] if bench.waits.side_by_side else [[sign] for sign in signs]
    for some in together:
        _wait_for(bench, deployed, some, phase=phase)


def _wait_for(bench: Bench, deployed: Deployed, signs: Sequence[Predicate], *, phase: Phase) -> None:
    started = bench.clock.monotonic()
    readying = Readying(
        *signs,
        clock=bench.clock,
        interval=bench.waits.probe_interval,
        slackening=bench.waits.slackening,
        hold=bench.waits.hold,
    )
    try:
        ready = readying.wait(timeout=ready_timeout(deployed), failed=lambda: trouble(bench, deployed))
    except NotReady as error:
        keep_answers(bench, deployed, error.answers)
        raise
    finally:
        for held in readying.seen:
            _record(bench, held, phase=phase, started=started)
    bench.trace.record(
        "hold: still ready",
        phase=phase,
        start=ready.true_at,
        end=ready.noticed_at,
        kind="wait",
        action=HOLD,
        waits_for="the second good look at all signs",
    )


def predicates(bench: Bench, deployed: Deployed) -> tuple[Predicate, ...]:
    """The app's own sign through the proxy, if it is to have one, and what else the suite names.

    A service that is there in another variant alone is not waited for. Raises InfrastructureError for one
    that the recipe does not have.
    """
    suite = deployed.candidate.suite
    if not bench.waits.own_signs:
        expectation = life(deployed.stack, domain=deployed.domain)
        return (_through_proxy(bench, deployed, APP_SIGN, expectation),) if deployed.web else ()
    due = (sign for sign in (suite.readiness if suite else ()) if not _elsewhere(deployed, sign))
    signs = tuple(_predicate(bench, deployed, sign) for sign in due)
    if not deployed.web:
        return signs
    return (_through_proxy(bench, deployed, APP_SIGN, deployed.expectation), *signs)


def _elsewhere(deployed: Deployed, sign: Sign) -> bool:
    """Of a suite with variants: that one of them has the service was seen before the run."""
    suite = deployed.candidate.suite
    varies = suite is not None and bool(suite.variants)
    return varies and sign.service is not None and sign.service not in deployed.stack.services


def _predicate(bench: Bench, deployed: Deployed, sign: Sign) -> Predicate:
    expectation = Expectation(path=sign.path or "/", statuses=(sign.status or OK,), contains=sign.contains)
    if sign.service is None:
        door = at(sign.path, deployed.stack, domain=deployed.domain)
        through = msgspec.structs.replace(expectation, host=door.host, headers=door.headers)
        return _through_proxy(bench, deployed, sign.name, through)
    _require_service(deployed, sign)
    locate = functools.partial(_locate, bench, deployed)
    if sign.run:
        return InContainer(
            name=sign.name, service=sign.service, run=sign.run, locate=locate, execute=bench.engine.exec
        )
    labels = bench.labels(deployed.name).lasting()
    return AtContainer(
        name=sign.name,
        service=sign.service,
        port=sign.port or 0,
        expectation=expectation,
        locate=locate,
        ask=straight(bench.node, bench.engine, bench.runner, labels=labels),
    )


def _through_proxy(bench: Bench, deployed: Deployed, name: str, expectation: Expected) -> Predicate:
    sign = ThroughProxy(
        name=name,
        expectation=expectation,
        domain=deployed.domain,
        requester=attentive(bench, deployed),
        explain=functools.partial(_explain, bench, deployed, expectation),
    )
    return Hedged(of=sign) if bench.waits.events else sign


def _explain(bench: Bench, deployed: Deployed, expectation: Expected, answer: Answer) -> str | None:
    """What in the recipe keeps the proxy from serving, where that is why the app did not answer."""
    host = expectation.host or deployed.domain
    if cause := explain(answer, host=host, stack=deployed.stack):
        return cause
    if not unreached(answer) or not bench.node.private:
        return None
    known = routes(deployed.stack)
    asked = RoutedRequest(host=host, path=expectation.path.partition("?")[0], headers=expectation.headers)
    route = next((one for one in known if one.tree and takes(one.tree, asked, syntax=one.syntax)), None)
    return _port_fault(bench, deployed, route) if route else None


def _port_fault(bench: Bench, deployed: Deployed, route: Route) -> str | None:
    container = _locate(bench, deployed, route.service)
    state = bench.engine.container(container) if container else None
    found = listening(state.pid) if state and state.pid else None
    if found is None:
        return None
    label = route.port_key.replace(deployed.stack.name, "${STACK_NAME}")
    return f"{deployed.stack.place(route.port_key)}{label} {told(route.port, found)}"


def _require_service(deployed: Deployed, sign: Sign) -> None:
    if sign.service not in deployed.stack.services:
        known = ", ".join(sorted(deployed.stack.services))
        place = f"suite {deployed.candidate.recipe.name}: {FACTS_FILE}: readiness {sign.name}"
        raise InfrastructureError(f"{place}: the recipe has no service {sign.service!r}; it has {known}")


def _locate(bench: Bench, deployed: Deployed, service: str) -> str | None:
    return running_container(bench.engine, stack=deployed.stack.name, service=service)


def _record(bench: Bench, held: Held, *, phase: Phase, started: Seconds) -> None:
    """The span of one sign ends when it came true; where it never did, now, as failed."""
    end = bench.clock.monotonic() if held.true_at is None else held.true_at
    span = bench.trace.record(f"ready: {held.name}", phase=phase, kind="sign", start=started, end=end)
    span.note(
        waits_for=held.waits_for,
        resolution_seconds=held.resolution,
        looks=held.looks,
    )
    if held.unmet:
        span.fail(held.unmet)


def ready_timeout(deployed: Deployed) -> Seconds:
    suite = deployed.candidate.suite
    asked = suite.timeouts.ready if suite else None
    return asked or deployed.app.timeout


def trouble(bench: Bench, deployed: Deployed) -> str | None:
    """Why the stack can't come to serve any more, or None."""
    try:
        bench.driver.require_sound(deployed.stack, since=deployed.since)
    except StageFailed as error:
        return str(error)
    return None
