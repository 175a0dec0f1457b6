"""Which hosts Traefik sends to which service, by a stack's labels. Pure."""

from collections.abc import Iterator, Sequence

import msgspec

from cc_ci.recipes.rule import Rule, RuleFault, Syntax, parse_rule
from cc_ci.recipes.rule_reach import Request, named_hosts, requests
from cc_ci.recipes.stack import Service, Stack
from cc_ci.recipes.traefik_labels import Entry, Kind, TraefikLabels, listed, read_labels

PORT = "loadbalancer.server.port"


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A router of a service. `hosts` are those that its rule names, in order; `port` is the container's.

    `rule` is empty where a label says nothing: Traefik then makes up a host of its own. `target` is the
    service of Traefik that the router names, if any.
    """

    service: str
    router: str
    rule: str
    kind: Kind = "http"
    syntax: Syntax = "v3"
    hosts: tuple[str, ...] = ()
    entrypoints: tuple[str, ...] = ()
    middlewares: tuple[str, ...] = ()
    certresolver: str | None = None
    tls: bool = False
    port: int | None = None
    target: str | None = None
    label: str

    @property
    def key(self) -> str:
        """Of the rule's label, in the merged compose files."""
        return f"services.{self.service}.deploy.labels.{self.label}"

    @property
    def tree(self) -> Rule | None:
        """None for what Traefik can't read either."""
        return _tree(self.rule, self.syntax)


def routes(stack: Stack) -> tuple[Route, ...]:
    """All HTTP routers with a rule, of services that Traefik is told of."""
    return tuple(route for route in every_route(stack) if route.kind == "http" and route.rule.strip())


def every_route(stack: Stack) -> tuple[Route, ...]:
    """All routers of services that Traefik is told of: those for TCP and UDP, and those without a rule."""
    return tuple(route for service in stack.services.values() for route in _routes(service))


def front_doors(known: Sequence[Route], *, domain: str) -> tuple[Request, ...]:
    """Requests that the routers take for `domain` or below it: first the domain's own, the plainest first."""
    found = [
        request
        for route in known
        if route.tree
        for request in requests(route.tree, domain=domain, syntax=route.syntax)
    ]
    return tuple(sorted(dict.fromkeys(found), key=lambda one: _plainness(one, domain)))


def _plainness(request: Request, domain: str) -> tuple[bool, int, bool]:
    return (request.host != domain, len(request.headers) + len(request.query), request.path != "/")


def _routes(service: Service) -> Iterator[Route]:
    read = read_labels(service.labels)
    if read.enable:
        yield from (_route(service.name, entry, read) for entry in read.of("routers", "http", "tcp", "udp"))


def _route(service: str, entry: Entry, read: TraefikLabels) -> Route:
    rule = entry.value("rule") or ""
    syntax: Syntax = "v2" if (entry.value("rulesyntax") or "").lower() == "v2" else "v3"
    tree = _tree(rule, syntax)
    resolver = entry.value("tls.certresolver") or None
    return Route(
        service=service,
        router=entry.name,
        rule=rule,
        kind=entry.kind,
        syntax=syntax,
        hosts=named_hosts(tree) if tree else (),
        entrypoints=listed(entry.value("entrypoints")),
        middlewares=listed(entry.value("middlewares")),
        certresolver=resolver,
        tls=resolver is not None or (entry.value("tls") or "").lower() == "true",
        port=_port(entry, read),
        target=entry.value("service") or None,
        label=entry.label,
    )


def _tree(rule: str, syntax: Syntax) -> Rule | None:
    try:
        return parse_rule(rule, syntax=syntax)
    except RuleFault:
        return None


def _port(entry: Entry, read: TraefikLabels) -> int | None:
    """That of the service which the router names, else the first one's."""
    ports = {one.name.lower(): one.value(PORT) or "" for one in read.of("services", entry.kind)}
    text = ports.get((entry.value("service") or entry.name).lower()) or next(iter(ports.values()), "")
    return int(text) if text.isascii() and text.isdecimal() else None
