"""Lint rules about what Traefik makes of a stack."""

from collections.abc import Iterator

from cc_ci.recipes.app import App
from cc_ci.recipes.faults import Source
from cc_ci.recipes.interpolation import variables
from cc_ci.recipes.linting.findings import Finding, found
from cc_ci.recipes.linting.places import documents, texts
from cc_ci.recipes.recipe import ENV_SAMPLE
from cc_ci.recipes.routes import every_route, routes
from cc_ci.recipes.rule_syntax import fits
from cc_ci.recipes.stack import Stack


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


def rules_of_the_newest(_app: App, stack: Stack) -> Iterator[Finding]:
    for route in every_route(stack):
        if not route.told and not fits(route.rule, "v3") and fits(route.rule, "v2"):
            key = route.key.replace(stack.name, "${STACK_NAME}")
            message = (
                f"{key}: is in the syntax of Traefik 2, and Traefik 3 drops the router or finds no request"
            )
            yield found("C021", message, stack.source(route.key), key=key)
