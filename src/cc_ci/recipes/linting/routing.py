"""Lint rules about what Traefik makes of a stack."""

import re
from collections.abc import Iterator, Mapping

from cc_ci.recipes.app import App
from cc_ci.recipes.faults import Source
from cc_ci.recipes.interpolation import variables
from cc_ci.recipes.linting.findings import Finding, found
from cc_ci.recipes.linting.places import documents, texts
from cc_ci.recipes.recipe import ENV_SAMPLE
from cc_ci.recipes.routes import every_route, routes
from cc_ci.recipes.rule_syntax import fits
from cc_ci.recipes.stack import Stack
from cc_ci.recipes.traefik_labels import read_labels
from cc_ci.system.suggesting import alike

INDEX = re.compile(r"\[\d+\]")
OPEN = ("loadbalancer.healthcheck.headers.", "loadbalancer.sticky.cookie.", "tls.domains[0].")
"""Beginnings of names that go on in many ways."""
KNOWN: Mapping[str, tuple[str, ...]] = {
    "routers": (
        "entrypoints",
        "middlewares",
        "observability.accesslogs",
        "observability.metrics",
        "observability.tracing",
        "priority",
        "rule",
        "rulesyntax",
        "service",
        "tls",
        "tls.certresolver",
        "tls.domains[0].main",
        "tls.domains[0].sans",
        "tls.options",
        "tls.passthrough",
    ),
    "services": (
        "loadbalancer.healthcheck.followredirects",
        "loadbalancer.healthcheck.headers",
        "loadbalancer.healthcheck.hostname",
        "loadbalancer.healthcheck.interval",
        "loadbalancer.healthcheck.method",
        "loadbalancer.healthcheck.mode",
        "loadbalancer.healthcheck.path",
        "loadbalancer.healthcheck.port",
        "loadbalancer.healthcheck.scheme",
        "loadbalancer.healthcheck.status",
        "loadbalancer.healthcheck.timeout",
        "loadbalancer.healthcheck.unhealthyinterval",
        "loadbalancer.passhostheader",
        "loadbalancer.proxyprotocol.version",
        "loadbalancer.responseforwarding.flushinterval",
        "loadbalancer.server.port",
        "loadbalancer.server.preservepath",
        "loadbalancer.server.scheme",
        "loadbalancer.server.tls",
        "loadbalancer.server.url",
        "loadbalancer.server.weight",
        "loadbalancer.serverstransport",
        "loadbalancer.sticky",
        "loadbalancer.sticky.cookie",
        "loadbalancer.strategy",
        "loadbalancer.terminationdelay",
    ),
}
"""What Traefik 2 and 3 read of routers and services, in small letters (its reference of labels)."""


def routed(app: App, stack: Stack) -> Iterator[Finding]:
    """As abra, which asks for no route where .env.sample has no DOMAIN."""
    if app.recipe.assignment("DOMAIN") is None:
        return
    if not any(
        service.labels.get("traefik.enable", "").lower() == "true" for service in stack.services.values()
    ):
        key = "services.app.deploy.labels.traefik.enable"
        yield found("R010", f"{key}: is true on no service", stack.source(key), key=key)
    for route in routes(stack):
        if not route.tls:
            label = f"traefik.http.routers.{route.router}"
            key = f"services.{route.service}.deploy.labels.{label}.rule"
            yield found("R010", f"{label}: has no tls.certresolver", stack.source(key), key=key)


def extra_domains(app: App, _stack: Stack) -> Iterator[Finding]:
    offered = app.recipe.assignment("EXTRA_DOMAINS")
    if offered is None:
        return
    used = {
        name for document in documents(app) for _key, text in texts(document.tree) for name in variables(text)
    }
    if "EXTRA_DOMAINS" not in used:
        message = "EXTRA_DOMAINS: no router's rule uses it"
        yield found("C017", message, Source(file=ENV_SAMPLE, line=offered.line), key="EXTRA_DOMAINS")


def known_to_traefik(_app: App, stack: Stack) -> Iterator[Finding]:
    """Only names that are nearly a known one: a newer Traefik may know others."""
    for service in stack.services.values():
        for entry in read_labels(service.labels).entries:
            known = KNOWN.get(entry.section, ())
            for name, setting in entry.settings.items():
                plain = INDEX.sub("[0]", name)
                if plain in known or not (near := alike(plain, known)) or plain.startswith(OPEN):
                    continue
                key = f"services.{service.name}.deploy.labels.{setting.label}"
                shown = setting.label.replace(stack.name, "${STACK_NAME}")
                message = f"{shown}: Traefik has no such label; did you mean {near}?"
                yield found("C022", message, stack.source(key), key=key)


def rules_of_the_newest(_app: App, stack: Stack) -> Iterator[Finding]:
    for route in every_route(stack):
        if not route.told and not fits(route.rule, "v3") and fits(route.rule, "v2"):
            key = route.key.replace(stack.name, "${STACK_NAME}")
            message = (
                f"{key}: is in the syntax of Traefik 2, and Traefik 3 drops the router or finds no request"
            )
            yield found("C021", message, stack.source(route.key), key=key)
