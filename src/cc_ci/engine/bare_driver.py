"""A stack's services as plain containers, without Swarm: what the same work takes at the least.

The least that a run of the recipe could take is measured with it (DESIGN.md section 5). Images, commands,
variables, secrets, configs, volumes and the way through the proxy are the recipe's own; health checks,
updates, routing mesh and Swarm's own pauses are not there, and services find one another on one bridge.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from cc_ci.engine import bare_argv
from cc_ci.engine.api import Engine, Labels
from cc_ci.engine.bare_argv import File
from cc_ci.engine.driver import Spanned
from cc_ci.engine.labels import STACK
from cc_ci.engine.node import Node
from cc_ci.engine.overlay import CA_CONFIG, Overlay
from cc_ci.engine.stack_driver import StackDriver
from cc_ci.engine.watching import POLL, Convergence
from cc_ci.errors import StageFailed, UsageError
from cc_ci.recipes.app import App
from cc_ci.recipes.routes import routes
from cc_ci.recipes.secrets import SecretSpec, generate_secret
from cc_ci.recipes.service import FileReference
from cc_ci.recipes.stack import Service, Stack
from cc_ci.recipes.templates import rendered
from cc_ci.system.files import write_atomic
from cc_ci.system.process import Runner, check
from cc_ci.system.threads import Pool
from cc_ci.system.units import EpochSeconds, Seconds
from cc_ci.timing.actions import STOP_CONTAINERS, TEXT

LONGEST: Seconds = 300.0
CONFIG_MODE = 0o444


class _Laid(msgspec.Struct, frozen=True, kw_only=True):
    """A service ready to be run: `argv`, with `variables` at its stdin; `mark` changes with any of it."""

    argv: tuple[str, ...]
    variables: str
    mark: str


class BareDriver:
    """One run's plain containers, on a private node; `span` names parts in the run's trace."""

    def __init__(
        self, stacks: StackDriver, engine: Engine, runner: Runner, node: Node, *, span: Spanned
    ) -> None:
        if node.certificates is None or node.proxy_container is None:
            raise UsageError(f"node {node.name}: plain containers need a private node's own proxy")
        self._stacks = stacks
        self._engine = engine
        self._runner = runner
        self._certificates = node.certificates
        self._proxy = node.proxy_container
        self._first_id = node.first_id
        self._span = span
        self._secrets: dict[str, str] = {}
        self._laid: dict[Path, dict[str, _Laid]] = {}
        self._running: dict[str, dict[str, str]] = {}
        self._networks: set[str] = set()

    def make_secrets(
        self, app: App, wanted: Sequence[SecretSpec], *, given: Mapping[str, str], labels: Labels
    ) -> dict[str, str]:
        """Choose the values; they become files when the stack is written."""
        del app, labels
        made = {secret.name: given.get(secret.name) or generate_secret(secret) for secret in wanted}
        self._secrets |= {secret.swarm_name: made[secret.name] for secret in wanted}
        return made

    def write(self, app: App, stack: Stack, overlay: Overlay, folder: Path) -> tuple[Path, ...]:
        """Lay out all files that containers mount, make volumes and the bridge, and tell the proxy."""
        self._prepare_network(stack, overlay)
        there = {volume.name for volume in self._engine.volumes()}
        for key, volume in stack.volumes.items():
            if not volume.external and volume.name not in there:
                labels = overlay.content["volumes"][key]["labels"]
                self._engine.create_volume(volume.name, labels=labels)
        self._laid[folder] = {
            name: self._lay(app, stack, service, overlay, folder) for name, service in stack.services.items()
        }
        write_atomic(self._routes_file(stack), json.dumps(dynamic_routes(stack)))
        return ()

    def deploy(self, app: App, folder: Path, *, resolve_image: str = "always") -> None:
        """Stop what is to change, then start all that does not run, side by side."""
        del resolve_image
        laid, running = self._laid[folder], self._running.setdefault(app.stack_name, {})
        changed = [name for name, mark in running.items() if name not in laid or laid[name].mark != mark]
        if changed:
            self._stop(app.stack_name, changed)
        missing = [name for name in laid if name not in running]
        with Pool(len(missing) or 1) as pool:
            for name, done in zip(
                missing, pool.map(lambda name: self._run(laid[name]), missing), strict=True
            ):
                running[name] = done

    def converge(
        self,
        stack: Stack,
        *,
        since: EpochSeconds,
        timeout: Seconds,
        stable_for: Seconds = 0.0,
        poll: Seconds = POLL,
    ) -> Convergence:
        """A plain container has nothing to converge to: the app's own signs tell when it serves."""
        del stack, since, timeout, stable_for, poll
        now = self._engine.now()
        return Convergence(timelines=(), condition_true_at=now, seen_at=now, noticed_at=now, resolution=0.0)

    def require_sound(self, stack: Stack, *, since: EpochSeconds) -> None:
        """A container that ends is started again, as Swarm would; the app's own deadline tells of it."""

    def running_images(self, stack_name: str) -> Mapping[str, str]:
        return self._stacks.running_images(stack_name)

    def remove(self, stack_name: str, *, wait: bool, prompt: bool = False) -> None:
        """Stop and remove the containers; network and route stay for the next. Works twice."""
        del wait, prompt
        there = {container.name for container in self._engine.containers({STACK: stack_name})}
        mine = [name for name in self._running.get(stack_name, {}) if f"{stack_name}_{name}" in there]
        if mine:
            self._stop(stack_name, mine)

    def remove_owned(self, app: App, stack: Stack) -> None:
        """Remove the bridge and the routes, which outlive the containers. Works twice."""
        del app
        self._routes_file(stack).unlink(missing_ok=True)
        self._engine.disconnect_network(bare_argv.network(stack), self._proxy)
        self._engine.remove_network(bare_argv.network(stack))
        self._networks.discard(stack.name)

    def _prepare_network(self, stack: Stack, overlay: Overlay) -> None:
        if stack.name in self._networks:
            return
        labels = next(iter(overlay.content["services"].values()))["labels"]
        self._docker(bare_argv.create_network(stack, labels))
        self._engine.connect_network(bare_argv.network(stack), self._proxy)
        self._networks.add(stack.name)

    def _lay(self, app: App, stack: Stack, service: Service, overlay: Overlay, folder: Path) -> _Laid:
        bare_argv.require_understood(stack, service.name)
        said = overlay.content["services"][service.name]
        variables = {**service.environment, **said.get("environment", {})}
        values = {
            name: app.env.get(name, "") if value is None else value for name, value in variables.items()
        }
        files = _Files(
            app,
            stack,
            service.name,
            folder,
            values=values,
            secrets=self._secrets,
            first_id=self._first_id,
        )
        laid = [*files.secrets(service.secrets), *files.configs(service.configs), *files.authorities(overlay)]
        told = bare_argv.env_file(values, service=service.name)
        argv = bare_argv.run(stack, service, files=laid, labels=said["labels"])
        content = [Path(file.path).read_bytes() for file in laid]
        mark = hashlib.sha256(repr((argv, told, content)).encode()).hexdigest()
        return _Laid(argv=tuple(argv), variables=told, mark=mark)

    def _run(self, laid: _Laid) -> str:
        done = self._runner(laid.argv, stdin=laid.variables, env=self._engine.environment, timeout=LONGEST)
        if not done.ok:
            said = (done.stderr.strip() or "no output").splitlines()[-1]
            raise StageFailed(f"container {laid.argv[laid.argv.index('--name') + 1]}: {said}")
        return laid.mark

    def _stop(self, stack: str, services: Sequence[str]) -> None:
        names = [f"{stack}_{name}" for name in services]
        with self._span(TEXT[STOP_CONTAINERS], action=STOP_CONTAINERS), Pool(len(names)) as pool:
            list(pool.map(lambda name: self._docker(bare_argv.stop(name)), names))
        for service, name in zip(services, names, strict=True):
            self._engine.remove_container(name)
            self._running[stack].pop(service, None)

    def _docker(self, argv: Sequence[str]) -> None:
        completed = self._runner(argv, env=self._engine.environment, timeout=LONGEST)
        check(completed, what=" ".join(argv[:3]))

    def _routes_file(self, stack: Stack) -> Path:
        return self._certificates / f"{stack.name}.bare.yml"


class _Files:
    """The files that one service's container mounts, below the deployment's folder."""

    def __init__(
        self,
        app: App,
        stack: Stack,
        service: str,
        folder: Path,
        *,
        values: Mapping[str, str],
        secrets: Mapping[str, str],
        first_id: int,
    ) -> None:
        self._app = app
        self._stack = stack
        self._folder = folder / "bare" / service
        self._values = values
        self._secrets = secrets
        self._first_id = first_id

    def secrets(self, references: Sequence[FileReference]) -> list[File]:
        return [
            self._file("secrets", one, self._secret(one.source).encode(), home="/run/secrets")
            for one in references
        ]

    def configs(self, references: Sequence[FileReference]) -> list[File]:
        return [self._file("configs", one, self._config(one.source), home="") for one in references]

    def authorities(self, overlay: Overlay) -> list[File]:
        """The lab's CA, where the overlay has it."""
        found = overlay.content.get("configs", {}).get(CA_CONFIG)
        said = overlay.content["services"][self._folder.name].get("configs", ())
        return [File(path=Path(found["file"]), target=one["target"]) for one in said] if found else []

    def _secret(self, key: str) -> str:
        name = self._stack.secrets[key].name
        if name not in self._secrets:
            raise UsageError(f"secrets.{key}: no value of it is known; a plain container can't be given it")
        return self._secrets[name]

    def _config(self, key: str) -> bytes:
        config = self._stack.configs[key]
        if config.file is None:
            raise UsageError(f"configs.{key}: external; a plain container can't be given it")
        content = Path(config.file).read_bytes()
        if config.template_driver is None:
            return content
        where = f"configs.{key}"
        filled = rendered(content.decode(), env=self._values, secret=self._secret, where=where)
        return filled.encode()

    def _file(self, kind: str, reference: FileReference, content: bytes, *, home: str) -> File:
        path = self._folder / kind / reference.source
        mode = CONFIG_MODE if reference.mode is None else reference.mode
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, content, mode=mode)
        owner, group = (self._first_id + int(one or 0) for one in (reference.uid, reference.gid))
        os.chown(path, owner, group)
        target = reference.target or reference.source
        return File(path=path, target=target if target.startswith("/") else f"{home}/{target}")


def dynamic_routes(stack: Stack) -> dict[str, Any]:
    """The stack's routers for Traefik's file provider, to the containers by their names."""
    found = [route for route in routes(stack) if route.port]
    return {
        "http": {
            "routers": {
                route.router: {
                    "rule": route.rule,
                    **({"ruleSyntax": "v2"} if route.syntax == "v2" else {}),
                    "service": route.router,
                    **({"entryPoints": list(route.entrypoints)} if route.entrypoints else {}),
                    **({"tls": {}} if route.tls else {}),
                }
                for route in found
            },
            "services": {
                route.router: {
                    "loadBalancer": {
                        "servers": [
                            {"url": f"http://{bare_argv.container(stack, route.service)}:{route.port}"}
                        ]
                    }
                }
                for route in found
            },
        }
    }
