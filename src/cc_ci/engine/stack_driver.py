"""Deploy, watch and remove stacks: what abra does, from the recipe's own files and one overlay.

Order of calls: `write`, `deploy` (with `since` taken before it), `converge`, `remove`.
"""

import functools
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from cc_ci.engine import argv
from cc_ci.engine.api import Engine, Labels
from cc_ci.engine.convergence import Failed
from cc_ci.engine.deploy_errors import deploy_error
from cc_ci.engine.labels import SERVICE, STACK
from cc_ci.engine.node import Node
from cc_ci.engine.overlay import Overlay
from cc_ci.engine.overlay_check import check_overlay
from cc_ci.engine.prompt_removal import graces, stop_and_remove
from cc_ci.engine.run_folder import deployed_files, require_values, write_run_folder
from cc_ci.engine.standings import Standings
from cc_ci.engine.watching import POLL, Convergence, Watch, wait_gone
from cc_ci.recipes.app import App
from cc_ci.recipes.secrets import SecretSpec, generate_secret
from cc_ci.recipes.stack import Stack
from cc_ci.system.clock import Clock
from cc_ci.system.process import Completed, Runner, check
from cc_ci.system.units import EpochSeconds, Seconds

__all__ = ["Convergence", "StackDriver"]

LONGEST_DEPLOY: Seconds = 300.0
"""`docker stack deploy` asks a registry for each image; it starts nothing itself."""
REMOVAL_SLACK: Seconds = 60.0
"""Beyond the services' own grace: swarm sleeps 2 s twice per network, and one CPU may be busy."""


class StackDriver:
    """One node's stacks."""

    def __init__(
        self,
        engine: Engine,
        runner: Runner,
        node: Node,
        clock: Clock,
        *,
        standings: Standings | None = None,
    ) -> None:
        """`standings` hears what is waited for, where somebody looks."""
        self._standings = standings
        self._engine = engine
        self._runner = runner
        self._node = node
        self._clock = clock
        self._written: dict[Path, Stack] = {}
        self._watches: dict[str, Watch] = {}
        self._overlays: dict[str, Overlay] = {}

    def make_secrets(
        self, app: App, wanted: Sequence[SecretSpec], *, given: Mapping[str, str], labels: Labels
    ) -> dict[str, str]:
        """Make each wanted secret, with its given value or a new one; the values by name."""
        del app
        made = {secret.name: given.get(secret.name) or generate_secret(secret) for secret in wanted}
        for secret in wanted:
            self._engine.create_secret(secret.swarm_name, value=made[secret.name], labels=labels)
        return made

    def write(self, app: App, stack: Stack, overlay: Overlay, folder: Path) -> tuple[Path, ...]:
        """Write what `deploy` takes: the recipe's own files, and the overlay, once it is checked."""
        check_overlay(overlay, stack)
        require_values(stack, argv.looked_up(self._node, self._engine.environment))
        self._written[folder] = stack
        self._overlays[stack.name] = overlay
        return write_run_folder(app, stack, overlay, folder)

    def deploy(self, app: App, folder: Path, *, resolve_image: str = "always") -> None:
        """Hand a written stack to Swarm; it then starts on its own.

        `always` asks a registry for each image's digest, as abra does. Raises StageFailed for what the
        recipe got wrong, InfrastructureError for the rest.
        """
        environment = self._engine.environment
        client = argv.bare_client(self._node, environment, program=shutil.which("docker") or "docker")
        files = deployed_files(app, folder)
        line = argv.stack_deploy(app.stack_name, files, resolve_image=resolve_image, client=client)
        completed = self._runner(line, env=environment, cwd=folder, timeout=LONGEST_DEPLOY)
        if not completed.ok:
            raise deploy_error(completed, self._written.get(folder), app)

    def converge(
        self,
        stack: Stack,
        *,
        since: EpochSeconds,
        timeout: Seconds,
        stable_for: Seconds = 0.0,
        poll: Seconds = POLL,
    ) -> Convergence:
        """Wait until all of a stack runs, healthy and up to date; see `Watch.wait`.

        `since` is the engine's time before the deploy. `timeout` counts from there and is extended to what
        the health checks are allowed to take.
        """
        watch = self._watch(stack, since=since, poll=poll)
        return watch.wait(timeout=timeout, stable_for=stable_for)

    def require_sound(self, stack: Stack, *, since: EpochSeconds) -> None:
        """Raise StageFailed when a stack that had converged, or may still, has failed for good by now."""
        watch = self._watches.get(stack.name)
        if watch is None or watch.history.since != since:
            watch = self._watch(stack, since=since)
        _, verdict = watch.look()
        if isinstance(verdict, Failed):
            raise watch.failure(verdict)

    def _watch(self, stack: Stack, *, since: EpochSeconds, poll: Seconds = POLL) -> Watch:
        overlay = self._overlays.get(stack.name)
        watch = Watch(
            self._engine,
            self._clock,
            stack=stack.name,
            expected=stack.services.keys(),
            since=since,
            poll=poll,
            ends=stack.ends,
            place=functools.partial(_place, stack),
            schedules=overlay.schedules if overlay else None,
            own_delays=overlay.own_delays if overlay else None,
            standings=self._standings,
        )
        self._watches[stack.name] = watch
        return watch

    def running_images(self, stack_name: str) -> Mapping[str, str]:
        """The id of the image that each service's newest container runs, by the service's short name."""
        running = [
            container
            for container in self._engine.containers({STACK: stack_name})
            if container.state == "running"
        ]
        return {
            container.labels.get(SERVICE, "").removeprefix(f"{stack_name}_"): container.image_id
            for container in sorted(running, key=lambda container: container.created)
        }

    def remove(self, stack_name: str, *, wait: bool, prompt: bool = False) -> None:
        """Remove a stack; with `wait`, return when its containers and networks are gone. Works twice.

        With `prompt` the engine stops its containers at once, where Swarm would sleep before.
        """
        before = self._engine.stack(stack_name).services
        grace = max((service.stop_grace_period for service in before), default=0.0)
        self._watches.pop(stack_name, None)
        with self._engine.events(since=self._engine.now(), kinds=("container", "network")) as events:
            line = argv.stack_remove(stack_name)
            completed = self._runner(line, env=self._engine.environment, timeout=LONGEST_DEPLOY)
            if not _only_gone(completed):
                check(completed, what=f"docker stack rm {stack_name}")
            if prompt:
                stop_and_remove(self._engine, stack_name, grace_of=graces(stack_name, before))
            if wait:
                limit = grace + REMOVAL_SLACK
                wait_gone(self._engine, self._clock, events, stack_name, timeout=limit)

    def remove_owned(self, app: App, stack: Stack) -> None:
        """Nothing: volumes and secrets are the run's, which knows what it has made."""


def _only_gone(completed: Completed) -> bool:
    """Whether a removal failed for no more than what another one had taken meanwhile."""
    faults = re.findall(r"Error response from daemon: ([^\n]*)", completed.stderr)
    return bool(faults) and all("not found" in fault for fault in faults)


def _place(stack: Stack, key: str) -> str | None:
    """Where the recipe has a key, or the nearest one around it."""
    source = stack.source(key)
    return str(source) if source else None
