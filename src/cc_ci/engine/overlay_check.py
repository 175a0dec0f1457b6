"""What an overlay may set (DESIGN.md section 4), as a list that every overlay is held against."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cc_ci.engine.labels import PREFIX
from cc_ci.engine.overlay import CA_CONFIG, CA_TARGET, CA_VARIABLES, PROXY_LABELS, Overlay, proxy_keys
from cc_ci.errors import InfrastructureError
from cc_ci.levers.registry import overlay_fields
from cc_ci.recipes.stack import Service, Stack

Path = tuple[str, ...]

SERVICE_FIELDS = (
    "labels/*", "deploy/labels/*", "deploy/endpoint_mode", "ports", "configs", "environment/*",
    "deploy/resources/limits/cpus", "deploy/resources/limits/memory", *overlay_fields(),
)  # fmt: skip
ABRA_LABEL = re.compile(r"coop-cloud\..*\.(recipe|chaos|version)")
ROUNDING = 1e-6
NUMBER_OF_MS = re.compile(r"(\d+)ms")


def check_overlay(overlay: Overlay, stack: Stack) -> None:
    """Raise InfrastructureError for the first field that an overlay of this stack may not have."""
    for section, entries in overlay.content.items():
        for name, entry in entries.items():
            faults = _service_faults if section == "services" else _entry_faults
            for field, fault in faults(stack, section, name, entry):
                raise InfrastructureError(f"overlay: {section}.{name}{field and '.' + field}: {fault}")


def _service_faults(
    stack: Stack, _section: str, name: str, fields: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    service = stack.services.get(name)
    if service is None:
        yield "", "the recipe has no such service"
        return
    for path, value in _leaves(fields, ()):
        if fault := _service_fault(service, "/".join(path), value):
            yield ".".join(path), fault
    if fault := _tolerance(fields.get("healthcheck"), service):
        yield "healthcheck", fault


def _entry_faults(
    stack: Stack, section: str, name: str, entry: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Labels of ours may be added, and all the recipe says must be said again: docker replaces the entry."""
    if section == "networks" and name in proxy_keys(stack):
        said: dict[str, Any] = {"external": True, "name": entry.get("name")}
    elif section == "configs" and name == CA_CONFIG:
        said = {"name": f"{stack.name}_{CA_CONFIG}", "file": entry.get("file")}
    elif section in ("networks", "volumes", "configs", "secrets") and name in getattr(stack, section):
        said = dict(stack.merged.tree.get(section, {}).get(name) or {})
    else:
        yield "", "not one of the overlay's fields"
        return
    for field in sorted((said.keys() | entry.keys()) - {"labels"}):
        if not _same(field, said.get(field), entry.get(field)):
            yield field, f"is {entry.get(field)!r}, and the recipe's is {said.get(field)!r}"
    labels, own = entry.get("labels", {}), said.get("labels", {})
    for key in sorted(labels.keys() | own.keys()):
        if labels.get(key) != own.get(key) and not key.startswith(PREFIX):
            yield f"labels.{key}", "not one of the overlay's fields"


def _same(field: str, said: Any, again: Any) -> bool:
    if field == "file" and isinstance(said, str) and isinstance(again, str):
        return said == again or said.endswith(f"/{again.lstrip('./')}")
    return bool(said == again)


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, Mapping) and value:
        for key, entry in value.items():
            yield from _leaves(entry, (*path, str(key)))
    else:
        yield path, value


def _service_fault(service: Service, field: str, value: Any) -> str | None:
    pattern = re.sub(r"^(labels|deploy/labels|environment)/.*", r"\1/*", field, flags=re.DOTALL)
    if pattern not in SERVICE_FIELDS:
        return "not one of the overlay's fields"
    key = field.removeprefix(pattern.removesuffix("*"))
    allowed: Callable[[], bool] = {
        "labels/*": lambda: key.startswith(PREFIX),
        "deploy/labels/*": lambda: _label_allowed(service, key),
        "environment/*": lambda: _variable_allowed(service, key, value),
        "deploy/endpoint_mode": lambda: value == "dnsrr",
        "configs": lambda: [config["source"] for config in value] == [CA_CONFIG],
        "ports": lambda: _ports_allowed(service, value),
        "healthcheck/start_period": lambda: _start_period_allowed(service, value),
        "healthcheck/start_interval": lambda: _start_interval_allowed(service, value),
    }.get(pattern, lambda: True)
    return None if allowed() else f"{value!r} is not a value that it may have"


def _label_allowed(service: Service, key: str) -> bool:
    abras = service.name == "app" and ABRA_LABEL.fullmatch(key) and key not in service.labels
    return key.startswith(PREFIX) or key in PROXY_LABELS or bool(abras)


def _variable_allowed(service: Service, key: str, value: str) -> bool:
    """One that the recipe sets stays as it is; beside the CA's, only `app` gets any, as abra does it."""
    ours = key in CA_VARIABLES and value == CA_TARGET
    return key not in service.environment and (ours or service.name == "app")


def _ports_allowed(service: Service, ports: list[dict[str, Any]]) -> bool:
    published = {(port.target, port.published, port.protocol) for port in service.ports}
    return all(
        (port["target"], port.get("published"), port["protocol"]) in published and port["mode"] == "host"
        for port in ports
    )


def _start_period_allowed(service: Service, value: object) -> bool:
    """Where the recipe has none, and then not shorter than the time after which Swarm would kill it."""
    check, found = service.healthcheck, NUMBER_OF_MS.fullmatch(str(value))
    if check is None or check.start_period or found is None:
        return False
    return int(found[1]) / 1000 >= check.interval * check.retries - ROUNDING


def _start_interval_allowed(service: Service, value: object) -> bool:
    """Never slower than the recipe's own looks."""
    check, found = service.healthcheck, NUMBER_OF_MS.fullmatch(str(value))
    if check is None or found is None:
        return False
    return 0 < int(found[1]) / 1000 <= min(check.interval, check.start_interval or check.interval)


def _tolerance(health: Mapping[str, Any] | None, service: Service) -> str | None:
    """The new interval times its retries is the recipe's own tolerance, to less than one new interval."""
    check = service.healthcheck
    if not health:
        return None
    if check is None:
        return "the recipe has none"
    found = NUMBER_OF_MS.fullmatch(str(health.get("interval", "")))
    interval = int(found[1]) / 1000 if found else check.interval
    over = interval * health.get("retries", check.retries) - check.interval * check.retries
    return None if -ROUNDING <= over < interval else f"its tolerance changes by {over:g} s"
