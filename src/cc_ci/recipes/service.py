"""One service of a stack, typed: durations in seconds, volumes by their keys, defaults filled in."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from cc_ci.recipes.plain import seconds
from cc_ci.system.units import Seconds

DEFAULT_NETWORK = "default"
T = TypeVar("T")


class Healthcheck(msgspec.Struct, frozen=True, kw_only=True):
    """A health check with the engine's defaults filled in; `test` None: the image's own command."""

    test: tuple[str, ...] | None = None
    interval: Seconds = 30.0
    timeout: Seconds = 30.0
    retries: int = 3
    start_period: Seconds = 0.0
    start_interval: Seconds | None = None


class Mount(msgspec.Struct, frozen=True, kw_only=True):
    """`volume` is the key of a named volume under `volumes`, else None; `source` as the engine gets it."""

    type: str
    target: str
    source: str | None = None
    read_only: bool = False
    volume: str | None = None


class Port(msgspec.Struct, frozen=True, kw_only=True):
    target: int
    published: int | None = None
    protocol: str = "tcp"
    mode: str = "ingress"


class FileReference(msgspec.Struct, frozen=True, kw_only=True):
    """A config or secret in a service: `source` is its key in the compose file."""

    source: str
    target: str | None = None
    uid: str | None = None
    gid: str | None = None
    mode: int | None = None


class Update(msgspec.Struct, frozen=True, kw_only=True):
    parallelism: int | None = None
    delay: Seconds = 0.0
    failure_action: str = "pause"
    monitor: Seconds = 5.0
    max_failure_ratio: float = 0.0
    order: str = "stop-first"


class Restart(msgspec.Struct, frozen=True, kw_only=True):
    condition: str = "any"
    delay: Seconds = 5.0
    max_attempts: int | None = None
    window: Seconds = 0.0


class Deploy(msgspec.Struct, frozen=True, kw_only=True):
    """How Swarm runs a service; None where the compose file leaves it to Swarm."""

    mode: str = "replicated"
    replicas: int = 1
    endpoint_mode: str | None = None
    update_config: Update | None = None
    rollback_config: Update | None = None
    restart_policy: Restart | None = None
    constraints: tuple[str, ...] = ()


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One service; `labels` are those under deploy, which Swarm, Traefik and backups read."""

    name: str
    image: str
    labels: dict[str, str] = {}
    container_labels: dict[str, str] = {}
    environment: dict[str, str | None] = {}
    healthcheck: Healthcheck | None = None
    healthcheck_disabled: bool = False
    mounts: tuple[Mount, ...] = ()
    networks: tuple[str, ...] = (DEFAULT_NETWORK,)
    aliases: dict[str, tuple[str, ...]] = {}
    ports: tuple[Port, ...] = ()
    configs: tuple[FileReference, ...] = ()
    secrets: tuple[FileReference, ...] = ()
    deploy: Deploy = Deploy()
    stop_grace_period: Seconds = 10.0
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    user: str | None = None


def read_service(name: str, tree: Mapping[str, Any], *, volumes: Mapping[str, str]) -> Service:
    """Type a service's long form; `volumes` are Swarm's names by key."""
    check = tree.get("healthcheck") or {}
    disabled = bool(check.get("disable")) or check.get("test") == ["NONE"]
    networks = tree.get("networks") or {DEFAULT_NETWORK: None}
    return Service(
        name=name,
        image=tree["image"],
        labels=tree.get("deploy", {}).get("labels", {}),
        container_labels=tree.get("labels", {}),
        environment=tree.get("environment", {}),
        healthcheck=_typed(check, Healthcheck) if check and not disabled else None,
        healthcheck_disabled=disabled,
        mounts=tuple(_mount(mount, volumes) for mount in tree.get("volumes", ())),
        networks=tuple(networks),
        aliases={key: tuple(entry.get("aliases", ())) for key, entry in networks.items() if entry},
        ports=tuple(_typed(port, Port) for port in tree.get("ports", ())),
        configs=tuple(_typed(config, FileReference) for config in tree.get("configs", ())),
        secrets=tuple(_typed(secret, FileReference) for secret in tree.get("secrets", ())),
        deploy=_deploy(tree.get("deploy", {})),
        stop_grace_period=seconds(tree.get("stop_grace_period", "10s")),
        command=tuple(tree.get("command", ())),
        entrypoint=tuple(tree.get("entrypoint", ())),
        user=tree.get("user"),
    )


def _typed(tree: Mapping[str, Any], kind: type[T]) -> T:
    durations = {"interval", "timeout", "start_period", "start_interval", "delay", "monitor", "window"}
    return msgspec.convert(
        {name: seconds(value) if name in durations else value for name, value in tree.items()}, kind
    )


def _mount(tree: Mapping[str, Any], volumes: Mapping[str, str]) -> Mount:
    source, kind = tree.get("source"), tree["type"]
    named = kind == "volume" and source in volumes
    return Mount(
        type=kind,
        target=tree.get("target", ""),
        source=volumes[source] if named and source else source,
        read_only=tree.get("read_only", False),
        volume=source if named else None,
    )


def _deploy(tree: Mapping[str, Any]) -> Deploy:
    def part(name: str, kind: type[T]) -> T | None:
        return _typed(tree[name], kind) if name in tree else None

    return Deploy(
        mode=tree.get("mode", "replicated"),
        replicas=tree.get("replicas", 1),
        endpoint_mode=tree.get("endpoint_mode"),
        update_config=part("update_config", Update),
        rollback_config=part("rollback_config", Update),
        restart_policy=part("restart_policy", Restart),
        constraints=tuple(tree.get("placement", {}).get("constraints", ())),
    )
