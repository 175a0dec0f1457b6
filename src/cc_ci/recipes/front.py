"""Where a recipe itself says that its app can be seen: the health checks of services that are routed to."""

import re
from collections.abc import Iterator

import msgspec

from cc_ci.recipes.routes import Route, routes
from cc_ci.recipes.stack import Service, Stack

OWN_URL = re.compile(
    r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])(?::([0-9]{1,5}))?(/[A-Za-z0-9/._~-]*)?"
)


class Front(msgspec.Struct, frozen=True, kw_only=True):
    """A path that shows whether the app serves: the health check of the router's service asks for it."""

    path: str
    route: Route


def fronts(stack: Stack) -> Iterator[Front]:
    """Those that health checks ask for at the port that is routed to."""
    for route in routes(stack):
        yield from _checked(route, stack.services[route.service])


def _checked(route: Route, service: Service) -> Iterator[Front]:
    command = " ".join((service.healthcheck and service.healthcheck.test) or ())
    for port, path in OWN_URL.findall(command):
        if int(port or 80) == (route.port or 80):
            yield Front(path=path or "/", route=route)
