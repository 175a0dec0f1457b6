"""Take a deployment away, evidence first, and see that its services stopped as they were told."""

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence

from cc_ci.engine.api import EventStream
from cc_ci.engine.labels import RUN, STACK
from cc_ci.engine.state import EngineEvent
from cc_ci.errors import InfrastructureError
from cc_ci.isolation.census import NodeCensus, lasting_difference
from cc_ci.lab.certificates import uncertify
from cc_ci.probes.stopping import ContainerEvent, Stop, Stopping, stop_checks, stops
from cc_ci.recipes.service import Mount
from cc_ci.recipes.stack import Stack
from cc_ci.results.schema import Leak, TestResult
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.evidence import keep_stack
from cc_ci.stages.living import served_until_now
from cc_ci.stages.showing import silence
from cc_ci.stages.volumes import scratch_volume
from cc_ci.system.printable import one_line
from cc_ci.system.units import EpochSeconds, Seconds
from cc_ci.system.waiting import wait_until
from cc_ci.timing.actions import REMOVE, TEXT, UNTIL_ENDED, UNTIL_TOLD, of_removal
from cc_ci.timing.trace import OpenSpan

EVENT_DELAY: Seconds = 0.1
"""Engine events arrive 0.4 to 1.8 ms after they are stamped, so this is ample."""
TOLD = 5
"""Things in one line."""
SECOND_THOUGHT: Seconds = 1.0
"""Before what failed is tried once more."""
NETWORK_PATIENCE: Seconds = 20.0
"""Joining a network takes 0.65 s where nothing else is done."""


def undeploy(bench: Bench, deployed: Deployed) -> tuple[TestResult, ...]:
    """Remove all that the deployment has, and say how its services stopped.

    Works for one that is only half there, and twice. Every part is tried, and once more if it failed; the
    first that failed for good is raised.
    """
    ended: list[Stop] = []
    faults = _each(
        bench,
        [
            lambda: save_evidence(bench, deployed),
            lambda: ended.extend(take_down(bench, deployed, action=REMOVE)),
            lambda: _leave_proxy(bench, deployed),
            lambda: _remove_owned(bench, deployed),
            lambda: _uncertify(bench, deployed),
        ],
    )
    if faults:
        raise InfrastructureError(f"teardown of {deployed.name}: {faults[0]}")
    if not deployed.running:
        # an app that never came up, or did not come up again, is not asked how it stops
        return _silence(deployed)
    warn = functools.partial(bench.findings.warn, "graceful-stop")
    # a service that ends by design may have ended by itself
    over = deployed.stack.ends - {stop.service for stop in ended if not stop.forced}
    asked = {name: one for name, one in stoppings(deployed.stack).items() if name not in over}
    return (*stop_checks(ended, services=asked, warn=warn), *_silence(deployed))


def _silence(deployed: Deployed) -> tuple[TestResult, ...]:
    """Whoever reads the logs, or asks the app, must not learn its secrets by it."""
    kept = silence("no secret in the logs", deployed.logged)
    return kept, silence("no secret in answers and on pages", deployed.shown.values())


def stoppings(stack: Stack) -> dict[str, Stopping]:
    """What each service's stop is judged by."""
    return {
        name: Stopping(
            grace=service.stop_grace_period,
            keeps_data=any(_keeps_data(mount) for mount in service.mounts),
            place=stack.place(f"services.{name}.stop_grace_period"),
        )
        for name, service in stack.services.items()
    }


def _keeps_data(mount: Mount) -> bool:
    """Whether it outlives its container, as an anonymous volume does not, and can be written to."""
    return mount.source is not None and mount.type != "tmpfs" and not mount.read_only


def take_down(bench: Bench, deployed: Deployed, *, action: str) -> tuple[Stop, ...]:
    """Remove the stack, wait until it is gone, and say how its containers ended; `action` is the span's."""
    stack = deployed.stack.name
    with contextlib.ExitStack() as closers:
        with bench.span("listen for the ends of its containers", "teardown"):
            served_until_now(bench, deployed)
            since = bench.engine.now()
            listening = bench.engine.events(since=since, labels={STACK: stack}, kinds=("container",))
            events = closers.enter_context(listening)
        gone = "tasks and networks of the stack to be gone"
        with bench.span(TEXT[action], "teardown", action=action, waits_for=gone) as removal:
            _remove_stack(bench, deployed)
        with bench.span("how its services stopped", "teardown"):
            ended = stops(_container_events(drained(events), stack=stack))
    for stop in ended:
        _name_parts(bench, stop, removal=removal, since=since)
    return ended


def _remove_stack(bench: Bench, deployed: Deployed) -> None:
    """Remove the stack as a whole, unless something in it is not this run's."""
    bench.holdings.see_mounts(deployed.name)
    strangers = bench.holdings.strangers(deployed.name)
    if not strangers:
        bench.driver.remove(deployed.stack.name, wait=True, prompt=bench.waits.prompt_removal)
        return
    bench.findings.warn(
        "strangers",
        f"stack {deployed.stack.name}: {strangers[0]} in it is not this run's, and was left alone",
    )
    bench.holdings.remove_stack(deployed.name)


def _name_parts(bench: Bench, stop: Stop, *, removal: OpenSpan, since: EpochSeconds) -> None:
    """Record when a container was told to stop, and how long it took over it, from the engine's stamps."""
    if stop.asked_at is None or stop.forced:
        return
    service = stop.service
    told, ended = f"the stop signal to {service}", f"the end of {service}, told to stop"
    parts = (
        (UNTIL_TOLD, f"until {service} is told to stop", told, since, stop.asked_at),
        (UNTIL_ENDED, f"until {service} has ended", ended, stop.asked_at, stop.died_at),
    )
    for action, name, waits_for, start, end in parts:
        bench.record(
            f"{removal.name}: {name}",
            "teardown",
            start=start,
            end=end,
            parent=removal,
            kind="wait",
            action=of_removal(removal.action or "", action),
            service=service,
            waits_for=waits_for,
        )


def drained(events: EventStream) -> Iterator[EngineEvent]:
    """The events that have come; those of what is gone have, and arrive within milliseconds."""
    while event := events.next(EVENT_DELAY):
        yield event


def _container_events(events: Iterable[EngineEvent], *, stack: str) -> Iterator[ContainerEvent]:
    for event in events:
        if event.action in {"kill", "die"}:
            signal = event.attributes.get("signal")
            yield ContainerEvent(
                container=event.id,
                service=(event.service or "").removeprefix(f"{stack}_"),
                action=event.action,
                at=event.at,
                signal=int(signal) if signal else None,
                exit_code=event.exit_code,
            )


def _each(bench: Bench, parts: Iterable[Callable[[], None]]) -> list[BaseException]:
    """Try every part, whatever became of those before: nothing, a bug of ours included, leaves an app up."""
    return [fault for part in parts if (fault := _failed(part)) and (fault := _again(bench, part))]


def _again(bench: Bench, part: Callable[[], None]) -> BaseException | None:
    bench.clock.sleep(SECOND_THOUGHT)
    return _failed(part)


def _failed(part: Callable[[], None]) -> BaseException | None:
    try:
        part()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, the next part is tried
        return error
    return None


def save_evidence(bench: Bench, deployed: Deployed, *, part: str = ".") -> None:
    """Save what there is of a deployment before it goes; `part` is for what only makes way for another."""
    with bench.span("save evidence", "overhead"):
        deployed.logged.extend(keep_stack(bench, deployed, part=part))


def _leave_proxy(bench: Bench, deployed: Deployed) -> None:
    """Take the proxy out of the network and remove it; tried again, for an interrupted connect goes on."""
    container = bench.node.proxy_container
    if container is None:
        return

    def leave() -> str | None:
        try:
            bench.engine.disconnect_network(deployed.proxy_network, container)
            bench.engine.remove_network(deployed.proxy_network)
        except InfrastructureError as error:
            return str(error)
        # a removed network stays with the engine for a moment, in which its name can't be used again
        left = any(one.name == deployed.proxy_network for one in bench.engine.networks())
        return "it is still listed" if left else None

    with bench.span("remove the proxy network", "teardown"):
        wait_until(
            leave,
            name=f"network {deployed.proxy_network} to go",
            ready=lambda trouble: trouble is None,
            timeout=NETWORK_PATIENCE,
            clock=bench.clock,
            describe=str,
        )


def _remove_owned(bench: Bench, deployed: Deployed) -> None:
    """Remove what any version of the deployment made, and what its driver keeps."""
    with bench.span("remove volumes and secrets", "teardown"):
        bench.driver.remove_owned(deployed.app, deployed.stack)
        bench.holdings.remove(deployed.name)


def _uncertify(bench: Bench, deployed: Deployed) -> None:
    for host in deployed.certified:
        uncertify(bench.node, host)


def check_leaks(bench: Bench, before: NodeCensus) -> tuple[NodeCensus, tuple[Leak, ...]]:
    """What there is now, and what of it was left, or is gone, by this run."""
    if not bench.node.private:
        _remove_scratch(bench)
    with bench.span("census", "leak_check"):
        found, after = lasting_difference(
            bench.engine,
            before,
            run=bench.run,
            alone=bench.node.private and not bench.holdings.neighbours(),
            mounted=bench.holdings.mounted,
            clock=bench.clock,
        )
    if found.unclear:
        bench.findings.warn("unclear", _told_unclear(found.unclear))
    return after, found.leaks


def _remove_scratch(bench: Bench) -> None:
    for volume in bench.engine.volumes({RUN: bench.run}):
        if volume.name == scratch_volume(bench):
            bench.engine.remove_volume(volume.id)


def _told_unclear(found: Sequence[Leak]) -> str:
    named = ", ".join(f"{one.kind} {one_line(one.name, most=80)}" for one in found[:TOLD])
    more = f" and {len(found) - TOLD} more" if len(found) > TOLD else ""
    return f"node: came or went while others used it, and nothing says by whom: {named}{more}"
