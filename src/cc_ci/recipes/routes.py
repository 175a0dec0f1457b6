"""Which hosts Traefik sends to which service, by a stack's labels. Pure."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from cc_ci.recipes.rule import RouterRule, RuleFault, Syntax, parse_rule
from cc_ci.recipes.rule_reach import RoutedRequest, named_hosts, requests
from cc_ci.recipes.rule_syntax import syntax_for
from cc_ci.recipes.stack import Service, Stack
from cc_ci.recipes.traefik_labels import (
    Setting,
    TraefikEntry,
    TraefikKind,
    TraefikLabels,
    listed,
    read_labels,
)

PORT = "loadbalancer.server.port"


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A router of a service. `hosts` are those that its rule names, in order; `port` is the container's.

    `rule` is empty where a label says nothing: Traefik then makes up a host of its own. `target` is the
    service of Traefik that the router names, if any. `syntax` is what a label says (`told`), else that of
    the version which reads all rules of the stack.
    """

    service: str
    router: str
    rule: str
    kind: TraefikKind = "http"
    syntax: Syntax = "v3"
    told: bool = False
    hosts: tuple[str, ...] = ()
    entrypoints: tuple[str, ...] = ()
    middlewares: tuple[str, ...] = ()
    certresolver: str | None = None
    tls: bool = False
    port: int | None = None
    port_label: str | None = None
    target: str | None = None
    label: str

    @property
    def key(self) -> str:
        """Of the rule's label, in the merged compose files."""
        return f"services.{self.service}.deploy.labels.{self.label}"

    @property
    def port_key(self) -> str:
        """Of the label that names the port, or should."""
        label = self.port_label or f"traefik.{self.kind}.services.{self.target or self.router}.{PORT}"
        return f"services.{self.service}.deploy.labels.{label}"

    @property
    def tree(self) -> RouterRule | None:
        """None for what Traefik can't read either."""
        return _tree(self.rule, self.syntax)


def routes(stack: Stack) -> tuple[Route, ...]:
    """All HTTP routers with a rule, of services that Traefik is told of."""
    return tuple(route for route in every_route(stack) if route.kind == "http" and route.rule.strip())


def every_route(stack: Stack) -> tuple[Route, ...]:
    """All routers of services that Traefik is told of: those for TCP and UDP, and those without a rule."""
    found = [router for service in stack.services.values() for router in _routers(service)]
    untold = syntax_for(rule for one in found if (rule := one.rule).strip() and not one.syntax) or "v3"
    return tuple(_route(one, one.syntax or untold) for one in found)


def untold_rules(stack: Stack) -> tuple[str, ...]:
    """Those that are read as the proxy reads rules by default."""
    return tuple(route.rule for route in every_route(stack) if route.rule.strip() and not route.told)


def front_doors(known: Sequence[Route], *, domain: str) -> tuple[RoutedRequest, ...]:
    """Requests that the routers take for `domain` or below it: first the domain's own, the plainest first."""
    found = [
        request
        for route in known
        if route.tree
        for request in requests(route.tree, domain=domain, syntax=route.syntax)
    ]
    return tuple(sorted(dict.fromkeys(found), key=lambda one: _plainness(one, domain)))


def _plainness(request: RoutedRequest, domain: str) -> tuple[bool, int, bool]:
    return (request.host != domain, len(request.headers) + len(request.query), request.path != "/")


class _Router(NamedTuple):
    """A router as its service's labels have it; `syntax` is None where they don't say."""

    service: str
    entry: TraefikEntry
    read: TraefikLabels

    @property
    def rule(self) -> str:
        return self.entry.value("rule") or ""

    @property
    def syntax(self) -> Syntax | None:
        told = (self.entry.value("rulesyntax") or "").lower()
        return None if not told else "v2" if told == "v2" else "v3"


def _routers(service: Service) -> Iterator[_Router]:
    read = read_labels(service.labels)
    if read.enable:
        for entry in read.of("routers", "http", "tcp", "udp"):
            yield _Router(service.name, entry, read)


def _route(router: _Router, syntax: Syntax) -> Route:
    entry, rule = router.entry, router.rule
    tree = _tree(rule, syntax)
    resolver = entry.value("tls.certresolver") or None
    port = _port(entry, router.read)
    return Route(
        service=router.service,
        router=entry.name,
        rule=rule,
        kind=entry.kind,
        syntax=syntax,
        told=router.syntax is not None,
        hosts=named_hosts(tree) if tree else (),
        entrypoints=listed(entry.value("entrypoints")),
        middlewares=listed(entry.value("middlewares")),
        certresolver=resolver,
        tls=resolver is not None or (entry.value("tls") or "").lower() == "true",
        port=int(port.value) if port and port.value.isascii() and port.value.isdecimal() else None,
        port_label=port.label if port else None,
        target=entry.value("service") or None,
        label=entry.label,
    )


def _tree(rule: str, syntax: Syntax) -> RouterRule | None:
    try:
        return parse_rule(rule, syntax=syntax)
    except RuleFault:
        return None


def _port(entry: TraefikEntry, read: TraefikLabels) -> Setting | None:
    """That of the service which the router names, else the first one's."""
    services = [one for one in read.of("services", entry.kind) if PORT in one.settings]
    named = (entry.value("service") or entry.name).lower()
    chosen = next((one for one in services if one.name.lower() == named), next(iter(services), None))
    return chosen.settings[PORT] if chosen else None
