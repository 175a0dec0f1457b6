"""The one compose file that cc-ci adds to a recipe's own: what it may set, and nothing else.

It does what abra does to the environment as it deploys, and beyond that sets the fields that DESIGN.md
section 4 lists. `overlay_check.check_overlay` holds every overlay against that list.
"""

import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from cc_ci.engine.labels import RunLabels
from cc_ci.engine.node import Node
from cc_ci.engine.own_schedule import OwnSchedule, own_schedule
from cc_ci.recipes.app import App
from cc_ci.recipes.service import Restart
from cc_ci.recipes.stack import Service, Stack
from cc_ci.system.units import Bytes, Seconds

PROXY = "proxy"
CA_CONFIG = "cc-ci-ca"
CA_TARGET = "/etc/ssl/cc-ci-ca-bundle.pem"
CA_VARIABLES = (
    "SSL_CERT_FILE",  # OpenSSL, Go, curl
    "REQUESTS_CA_BUNDLE",  # Python's requests
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
)
"""What runtimes read the CAs that they trust from."""

PROXY_LABELS = ("traefik.docker.network", "traefik.swarm.network")
"""Traefik's old and new name for the network on which it looks for a service."""


class Tuning(msgspec.Struct, frozen=True, kw_only=True):
    """What levers ask of the overlay; None leaves the recipe's own value."""

    health_interval: Seconds | None = None
    start_interval: Seconds | None = None
    update_monitor: Seconds | None = None
    restart_delay: Seconds | None = None
    cpus: float | None = None
    memory_bytes: Bytes | None = None


class Overlay(msgspec.Struct, frozen=True, kw_only=True):
    """`content` is a compose file without a `version:`; `warnings` say where a recipe's meaning changes."""

    content: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
    schedules: Mapping[str, OwnSchedule] = {}
    """Of the services to which it gives a start_period: by these they are judged."""
    own_delays: Mapping[str, Seconds] = {}
    """Of the services that it has started again sooner: how long their recipe has Swarm wait."""


def overlay(
    stack: Stack,
    app: App,
    *,
    run: RunLabels,
    node: Node,
    proxy_network: str,
    tuning: Tuning | None = None,
    chaos: bool = True,
    start_periods: Mapping[str, Seconds] | None = None,
) -> Overlay:
    """Make the overlay for one deployment; `chaos` is whether abra would call it one (an untagged tree).

    `start_periods` are those of the images' own health checks, by reference.
    """
    folder = app.compose_files[0].parent
    tuning = tuning or Tuning()
    services = {
        name: _service(stack, app, service, run=run, node=node, tuning=tuning, chaos=chaos)
        for name, service in stack.services.items()
    }
    schedules = dict(_schedules(stack, tuning, start_periods or {}))
    for name, service in stack.services.items():
        if start := _start(service, tuning.start_interval, schedules.get(name)):
            services[name]["healthcheck"] = {**services[name].get("healthcheck", {}), **start}
    content = {
        "services": services,
        "networks": _networks(stack, run, proxy_network, folder),
        "volumes": _labelled(stack, "volumes", run.lasting(), folder),
        "configs": {**_labelled(stack, "configs", run.all(), folder), **_ca_config(stack, node, run)},
        "secrets": _labelled(stack, "secrets", run.all(), folder),
    }
    _name_proxy(stack, services, proxy_network)
    return Overlay(
        content={section: entries for section, entries in content.items() if entries},
        warnings=tuple(_warnings(stack, node)),
        schedules=schedules,
        own_delays={
            name: own
            for name, service in stack.services.items()
            if (own := _shortened(service, tuning.restart_delay)) is not None
        },
    )


def _service(
    stack: Stack,
    app: App,
    service: Service,
    *,
    run: RunLabels,
    node: Node,
    tuning: Tuning,
    chaos: bool,
) -> dict[str, Any]:
    is_app = service.name == "app"
    deploy = _deploy(service, node, tuning)
    deploy["labels"] = {**run.all(), **(_abra_labels(stack, app, service, chaos=chaos) if is_app else {})}
    fields: dict[str, Any] = {"labels": run.lasting(), "deploy": deploy}
    environment = {**_ca_variables(service, node), **(_app_environment(app, service) if is_app else {})}
    if environment:
        fields["environment"] = environment
    if node.ca_bundle:
        fields["configs"] = [{"source": CA_CONFIG, "target": CA_TARGET, "mode": 0o444}]
    if service.ports and not node.ipvs:
        fields["ports"] = _host_ports(service)
    if health := _health(service, tuning.health_interval):
        fields["healthcheck"] = health
    return fields


def _app_environment(app: App, service: Service) -> dict[str, str]:
    """Abra gives service `app` every variable of the app that its compose file does not have."""
    return {key: value for key, value in app.env.items() if key not in service.environment}


def _abra_labels(stack: Stack, app: App, service: Service, *, chaos: bool) -> dict[str, str]:
    prefix = f"coop-cloud.{stack.name}"
    labels = {f"{prefix}.recipe": app.recipe.name, f"{prefix}.chaos": str(chaos).lower()}
    if app.version:
        labels[f"{prefix}.version"] = app.version
    return {key: value for key, value in labels.items() if key not in service.labels}


def _ca_variables(service: Service, node: Node) -> dict[str, str]:
    """A variable that the recipe sets is its own to set."""
    if node.ca_bundle is None:
        return {}
    return {name: CA_TARGET for name in CA_VARIABLES if name not in service.environment}


def _ca_config(stack: Stack, node: Node, run: RunLabels) -> dict[str, Any]:
    if node.ca_bundle is None:
        return {}
    name = f"{stack.name}_{CA_CONFIG}"
    return {CA_CONFIG: {"name": name, "file": str(node.ca_bundle), "labels": run.all()}}


def _shortened(service: Service, delay: Seconds | None) -> Seconds | None:
    """The recipe's own delay, where a shorter one may take its place: counted attempts would be used up."""
    policy = service.deploy.restart_policy or Restart()
    return policy.delay if delay is not None and delay < policy.delay and not policy.max_attempts else None


def _deploy(service: Service, node: Node, tuning: Tuning) -> dict[str, Any]:
    deploy: dict[str, Any] = {}
    if not node.ipvs:
        deploy["endpoint_mode"] = "dnsrr"
    if tuning.update_monitor is not None:
        deploy["update_config"] = {"monitor": duration(tuning.update_monitor)}
    if tuning.restart_delay is not None and _shortened(service, tuning.restart_delay) is not None:
        deploy["restart_policy"] = {"delay": duration(tuning.restart_delay)}
    limits: dict[str, str] = {}
    if tuning.cpus is not None:
        limits["cpus"] = f"{tuning.cpus:g}"
    if tuning.memory_bytes is not None:
        limits["memory"] = f"{tuning.memory_bytes}b"
    return {**deploy, "resources": {"limits": limits}} if limits else deploy


def duration(seconds: Seconds) -> str:
    return f"{max(1, round(seconds * 1000))}ms"


def _host_ports(service: Service) -> list[dict[str, Any]]:
    """Without IPVS the routing mesh answers nothing, and dnsrr takes no port of it."""
    return [
        {
            "target": port.target,
            **({"published": port.published} if port.published else {}),
            "protocol": port.protocol,
            "mode": "host",
        }
        for port in service.ports
    ]


def _health(service: Service, interval: Seconds | None) -> dict[str, Any]:
    """Look more often, and give up after the same time."""
    check = service.healthcheck
    if interval is None or check is None or check.interval <= interval:
        return {}
    milliseconds = max(1, round(interval * 1000))
    retries = math.ceil(check.interval * 1000 * check.retries / milliseconds)
    return {"interval": duration(interval), "retries": retries}


def _schedules(
    stack: Stack, tuning: Tuning, start_periods: Mapping[str, Seconds]
) -> Iterator[tuple[str, OwnSchedule]]:
    """Of the services that get a start_period: those that have none, from their recipe or their image."""
    for name, service in stack.services.items():
        every = tuning.start_interval
        if every is None or start_periods.get(service.image):
            continue
        place = stack.place(f"services.{name}.healthcheck")
        own = own_schedule(service, looked_every=every, place=place)
        if own is not None and own.check.interval > every:
            yield name, own


def _start(service: Service, every: Seconds | None, own: OwnSchedule | None) -> dict[str, str]:
    """Look often until the first yes; an interval that is shorter still, or said by the recipe, is kept."""
    check = service.healthcheck
    if every is None or check is None or min(check.interval, check.start_interval or every) < every:
        return {}
    if own is not None:
        return {"start_interval": duration(every), "start_period": duration(own.check.patience)}
    return {"start_interval": duration(every)} if check.interval > every else {}


def _networks(stack: Stack, run: RunLabels, proxy_network: str, folder: Path) -> dict[str, Any]:
    proxies = {key: {"external": True, "name": proxy_network} for key in proxy_keys(stack)}
    return {**_labelled(stack, "networks", run.lasting(), folder), **proxies}


def proxy_keys(stack: Stack) -> tuple[str, ...]:
    """Under which keys the recipe has the external network `proxy`."""
    return tuple(key for key, net in stack.networks.items() if net.external and net.name == PROXY)


def _labelled(stack: Stack, section: str, labels: Mapping[str, str], folder: Path) -> dict[str, Any]:
    """Label what the stack makes, and say again all that the recipe says of it.

    Docker merges no entry here: a later file's takes the place of an earlier one's (docker/cli,
    compose/loader/merge.go). Files count from `folder`, the first compose file's, as they do in a copy.
    """
    found: dict[str, Any] = {}
    for key, entry in getattr(stack, section).items():
        said = dict(stack.merged.tree.get(section, {}).get(key) or {})
        if "file" in said:
            said["file"] = os.path.relpath(said["file"], folder)
        if not entry.external:
            found[key] = {**said, "labels": {**said.get("labels", {}), **labels}}
    return found


def _name_proxy(stack: Stack, services: Mapping[str, dict[str, Any]], proxy_network: str) -> None:
    for name, service in stack.services.items():
        if set(proxy_keys(stack)) & set(service.networks):
            # Traefik skips a service that has both names
            used = [label for label in PROXY_LABELS if label in service.labels] or [PROXY_LABELS[-1]]
            services[name]["deploy"]["labels"].update(dict.fromkeys(used, proxy_network))


def _warnings(stack: Stack, node: Node) -> Iterator[str]:
    for name, service in stack.services.items():
        numbers = [port.published or 0 for port in service.ports]
        for twice in sorted({number for number in numbers if numbers.count(number) > 1}):
            # docker's merge of compose files knows a published port by its number alone
            yield f"service {name}: port {twice} is published twice; merged with the overlay, one is left"
        if node.ipvs:
            continue
        if numbers:
            yield f"service {name}: published ports are host ports here: this kernel has no IPVS"
        if (service.deploy.replicas or 1) > 1 and service.deploy.endpoint_mode != "dnsrr":
            yield f"service {name}: replicas share no virtual address here: this kernel has no IPVS"


def escaped(value: Any) -> Any:
    """Double every `$`: docker fills variables into the overlay, too, and it has none."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, Mapping):
        return {key: escaped(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [escaped(entry) for entry in value]
    return value
