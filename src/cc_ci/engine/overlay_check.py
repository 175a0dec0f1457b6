"""What an overlay may set (DESIGN.md section 4), as a list that every overlay is held against."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cc_ci.engine.labels import PREFIX
from cc_ci.engine.overlay import CA_CONFIG, CA_TARGET, CA_VARIABLES, PROXY_LABELS, Overlay, proxy_keys
from cc_ci.errors import InfrastructureError
from cc_ci.recipes.stack import Service, Stack

Path = tuple[str, ...]

SERVICE_FIELDS = (
    "labels/*", "deploy/labels/*", "deploy/endpoint_mode", "ports", "configs", "environment/*",
    "healthcheck/interval", "healthcheck/retries", "deploy/update_config/monitor",
    "deploy/restart_policy/delay", "deploy/resources/limits/cpus", "deploy/resources/limits/memory",
)  # fmt: skip
ABRA_LABEL = re.compile(r"coop-cloud\..*\.(recipe|chaos|version)")
ROUNDING = 1e-6
NUMBER_OF_MS = re.compile(r"(\d+)ms")


def check_overlay(overlay: Overlay, stack: Stack) -> None:
    """Raise InfrastructureError for the first field that an overlay of this stack may not have."""
    for path, value in _leaves(overlay.content, ()):
        if fault := _fault(path, value, stack):
            raise InfrastructureError(f"overlay: {'.'.join(path)}: {fault}")
    for name, fields in overlay.content.get("services", {}).items():
        if fault := _tolerance(fields.get("healthcheck"), stack.services[name]):
            raise InfrastructureError(f"overlay: services.{name}.healthcheck: {fault}")


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, Mapping) and value:
        for key, entry in value.items():
            yield from _leaves(entry, (*path, str(key)))
    else:
        yield path, value


def _fault(path: Path, value: Any, stack: Stack) -> str | None:
    section, name, *rest = (*path, "", "")
    field = "/".join(rest[:-2]) if rest else ""
    if section == "services":
        service = stack.services.get(name)
        return "the recipe has no such service" if service is None else _service_fault(service, field, value)
    if section == "networks" and name in proxy_keys(stack):
        return None if field in ("external", "name") else "not one of the overlay's fields"
    if section == "configs" and name == CA_CONFIG:
        return None if field in ("name", "file") or _own(field) else "not one of the overlay's fields"
    known = section in ("networks", "volumes", "configs", "secrets") and _own(field)
    return None if known else "not one of the overlay's fields"


def _own(field: str) -> bool:
    return field.startswith(f"labels/{PREFIX}")


def _service_fault(service: Service, field: str, value: Any) -> str | None:
    pattern = re.sub(r"^(labels|deploy/labels|environment)/.*", r"\1/*", field, flags=re.DOTALL)
    if pattern not in SERVICE_FIELDS:
        return "not one of the overlay's fields"
    key = field.removeprefix(pattern.removesuffix("*"))
    allowed = {
        "labels/*": lambda: key.startswith(PREFIX),
        "deploy/labels/*": lambda: _label_allowed(service, key),
        "environment/*": lambda: _variable_allowed(service, key, value),
        "deploy/endpoint_mode": lambda: value == "dnsrr",
        "configs": lambda: [config["source"] for config in value] == [CA_CONFIG],
        "ports": lambda: _ports_allowed(service, value),
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
        (port["target"], port["published"], port["protocol"]) in published and port["mode"] == "host"
        for port in ports
    )


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
