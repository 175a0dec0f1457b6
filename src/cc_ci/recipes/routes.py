"""Which hosts Traefik sends to which service, by a stack's labels. Pure."""

import re
from collections.abc import Iterator, Mapping

import msgspec

from cc_ci.recipes.stack import Service, Stack

ROUTER = re.compile(r"traefik\.http\.routers\.([^.]+)\.(.+)", re.IGNORECASE)
PORT = re.compile(r"traefik\.http\.services\.([^.]+)\.loadbalancer\.server\.port", re.IGNORECASE)
MATCHER = re.compile(r"(?<![A-Za-z])Host\(([^)]*)\)")
HOST = re.compile(r"[`\"']([^`\"']+)[`\"']")


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A router of a service. `hosts` are those of its rule, in order; `port` is the container's."""

    service: str
    router: str
    rule: str
    hosts: tuple[str, ...] = ()
    entrypoints: tuple[str, ...] = ()
    certresolver: str | None = None
    tls: bool = False
    port: int | None = None


def routes(stack: Stack) -> tuple[Route, ...]:
    """All routers with a rule, of services that Traefik is told of."""
    return tuple(route for service in stack.services.values() for route in _routes(service))


def _routes(service: Service) -> Iterator[Route]:
    if service.labels.get("traefik.enable", "").lower() != "true":
        return
    ports = {match[1]: text for label, text in service.labels.items() if (match := PORT.fullmatch(label))}
    for router, settings in _routers(service.labels).items():
        if "rule" in settings:
            yield _route(service.name, router, settings, ports)


def _routers(labels: Mapping[str, str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for label, text in labels.items():
        if match := ROUTER.fullmatch(label):
            found.setdefault(match[1], {})[match[2].lower()] = text
    return found


def _route(service: str, router: str, settings: Mapping[str, str], ports: Mapping[str, str]) -> Route:
    port = ports.get(settings.get("service", router)) or next(iter(ports.values()), "")
    resolver = settings.get("tls.certresolver") or None
    return Route(
        service=service,
        router=router,
        rule=settings["rule"],
        hosts=hosts(settings["rule"]),
        entrypoints=tuple(
            part.strip() for part in settings.get("entrypoints", "").split(",") if part.strip()
        ),
        certresolver=resolver,
        tls=resolver is not None or settings.get("tls", "").lower() == "true",
        port=int(port) if port.isdecimal() else None,
    )


def hosts(rule: str) -> tuple[str, ...]:
    """The hosts that a rule names; what is matched by an expression is none."""
    return tuple(dict.fromkeys(host for names in MATCHER.findall(rule) for host in HOST.findall(names)))
