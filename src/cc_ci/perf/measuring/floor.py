"""What Swarm itself takes for a stack: services that do nothing, made, updated and removed."""

import json

from cc_ci.engine import argv, bare_argv
from cc_ci.engine.api import Engine
from cc_ci.engine.labels import STACK
from cc_ci.engine.watching import Watch
from cc_ci.perf.baselines.sets import Calls
from cc_ci.system.clock import Clock
from cc_ci.system.held import temporary_folder
from cc_ci.system.process import Runner, check
from cc_ci.system.threads import Pool
from cc_ci.system.units import Seconds
from cc_ci.system.waiting import wait_until

IMAGE = "busybox:1.37.0"
STACK_NAME = "cc-ci-floor"
IDLE = "trap exit TERM; sleep infinity & wait"
"""Ends at once when it is told to: a shell that is the first process takes a signal only by a trap."""
PATIENCE: Seconds = 120.0
LOOK: Seconds = 0.05


def measure_calls(engine: Engine, runner: Runner, clock: Clock, *, services: int) -> Calls:
    """Make, update and remove a stack of so many idle services on one overlay network; one time each.

    No health check, no time of stability, an update monitor of 1 ms, a removal that does not wait for Swarm's
    own sleeps: what is left is Swarm's own.
    """
    engine.pull(IMAGE)
    try:
        create = _deployed(engine, runner, clock, services=services, mark="one")
        update = _deployed(engine, runner, clock, services=services, mark="two")
        remove = removed(engine, runner, clock)
    finally:
        runner(argv.stack_remove(STACK_NAME), env=engine.environment)
    return Calls(services=services, create=create, update=update, remove=remove, removal="stopped")


def compose(services: int, mark: str) -> str:
    one = {
        "image": IMAGE,
        "command": ["sh", "-c", IDLE],
        "environment": {"MARK": mark},
        "deploy": {"endpoint_mode": "dnsrr", "update_config": {"monitor": "1ms"}},
    }
    named = {f"idle{number}": one for number in range(services)}
    return json.dumps({"version": "3.8", "services": named})


def _deployed(engine: Engine, runner: Runner, clock: Clock, *, services: int, mark: str) -> Seconds:
    since, started = engine.now(), clock.monotonic()
    with temporary_folder() as folder:
        file = folder / "compose.yml"
        file.write_text(compose(services, mark))
        line = argv.stack_deploy(STACK_NAME, [file], resolve_image="never")
        check(runner(line, env=engine.environment), what="docker stack deploy")
    expected = [f"idle{number}" for number in range(services)]
    watch = Watch(engine, clock, stack=STACK_NAME, expected=expected, since=since, poll=LOOK)
    watch.wait(timeout=PATIENCE, stable_for=0.0)
    return clock.monotonic() - started


def removed(engine: Engine, runner: Runner, clock: Clock) -> Seconds:
    """Until the services' containers are gone, each stopped as it would be, without Swarm's own sleeps.

    Before Swarm stops a task on an overlay network it lets the others forget it for two seconds, and again
    before it removes it. That a container ends well does not depend on it.
    """
    started = clock.monotonic()
    for service in engine.services({STACK: STACK_NAME}):
        engine.remove_service(service.name)
    running = engine.containers({STACK: STACK_NAME})
    with Pool(len(running) or 1) as pool:
        for _ in pool.map(lambda container: _stop(engine, runner, container.id), running):
            pass
    wait_until(
        lambda: engine.containers({STACK: STACK_NAME}),
        name="idle services to be gone",
        ready=lambda left: not left,
        timeout=PATIENCE,
        clock=clock,
        interval=LOOK,
        describe=lambda left: f"{len(left)} containers",
    )
    return clock.monotonic() - started


def _stop(engine: Engine, runner: Runner, container: str) -> None:
    """Swarm may have removed it by now."""
    runner(bare_argv.stop(container), env=engine.environment)
    engine.remove_container(container)
