"""Lint rules about services: their format, health, ports and environment."""

import re
from collections.abc import Iterator

from cc_ci.recipes.app import App
from cc_ci.recipes.faults import Source
from cc_ci.recipes.linting.findings import Finding, found
from cc_ci.recipes.linting.places import defined
from cc_ci.recipes.stack import Stack

PASSWORD = re.compile(r"(PASSWORD|PASSWD|_PASS|SECRET|_TOKEN|API_KEY|PRIVATE_KEY)$", re.IGNORECASE)


def expected_format(app: App, stack: Stack) -> Iterator[Finding]:
    source = stack.source("version")
    if source is None:
        first = str(app.compose_files[0].relative_to(app.recipe.root))
        message = "version: is missing; abra expects 3.8"
        yield found("R001", message, Source(file=first, line=1), key="version")
    elif stack.version != "3.8":
        yield found("R001", f"version: is {stack.version}; abra expects 3.8", source, key="version")


def has_healthchecks(_app: App, stack: Stack) -> Iterator[Finding]:
    for service in stack.services.values():
        if service.healthcheck is not None:
            continue
        key = f"services.{service.name}.healthcheck"
        if service.healthcheck_disabled:
            yield found("R002", f"{key}: the health check is disabled", stack.source(key), key=key)
        else:
            yield found("R002", f"{key}: there is no health check", defined(stack, service.name), key=key)


def one_app(_app: App, stack: Stack) -> Iterator[Finding]:
    if "app" not in stack.services:
        there = ", ".join(stack.services)
        message = f"services: none is called app; there are {there}"
        yield found("R009", message, stack.source("services"), key="services")


def no_passwords(_app: App, stack: Stack) -> Iterator[Finding]:
    for service in stack.services.values():
        for name, value in service.environment.items():
            if value and PASSWORD.search(name) and not value.startswith(("/run/secrets/", "file:")):
                key = f"services.{service.name}.environment.{name}"
                yield found("C002", f"{key}: a plain value; use a secret", stack.source(key), key=key)


def no_host_ports(_app: App, stack: Stack) -> Iterator[Finding]:
    for service in stack.services.values():
        for port in service.ports:
            if port.published:
                key = f"services.{service.name}.ports.{port.published}"
                message = (
                    f"services.{service.name}.ports: {port.published}/{port.protocol} is published "
                    "on the host, so that no second app can have it"
                )
                yield found("C003", message, stack.source(key), key=key)
