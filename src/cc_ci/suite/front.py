"""Where an app is looked at through the proxy: a host and path that its routers take. Pure."""

from collections.abc import Iterator, Sequence

import msgspec

from cc_ci.probes.expectation import Expectation, Expected
from cc_ci.probes.life import Life
from cc_ci.recipes.front import fronts
from cc_ci.recipes.recipe import Recipe
from cc_ci.recipes.routes import Route, front_doors, routes
from cc_ci.recipes.rule_reach import RoutedRequest, takes
from cc_ci.recipes.stack import Stack
from cc_ci.suite.facts import FACTS_FILE, Suite

MOST_PATHS = 5
"""At which an app without a suite is looked for."""


def is_web(suite: Suite | None, recipe: Recipe, stack: Stack) -> bool:
    """Whether the app has to answer through the proxy: by the suite's word, else by DOMAIN or routes."""
    if suite is not None and suite.web is not None:
        return suite.web
    domain = recipe.assignment("DOMAIN")
    return bool(routes(stack)) or (domain is not None and not domain.off)


def front(suite: Suite | None, stack: Stack, *, domain: str) -> Expected:
    """The app's own sign that it serves: the suite's, or that it lives by what can be seen of it."""
    if suite is None:
        return life(stack, domain=domain)
    probe = suite.probe
    statuses = () if probe.status == "any" else (probe.status,)
    found = at(probe.path, stack, domain=domain)
    return msgspec.structs.replace(found, statuses=statuses, contains=probe.contains)


def life(stack: Stack, *, domain: str) -> Life:
    """Where an app may be seen: at the plainest that a rule takes, then where its health checks look."""
    known = routes(stack)
    first = at(None, stack, domain=domain)
    doors = front_doors(known, domain=domain)
    further = (one.path for one in fronts(stack) if not doors or _taken(one.path, known, doors))
    images = (stack.services[route.service].image for route in known)
    return Life(
        paths=tuple(dict.fromkeys([first.path, *further]))[:MOST_PATHS],
        host=first.host,
        headers=first.headers,
        images=tuple(dict.fromkeys(images)),
    )


def at(path: str | None, stack: Stack, *, domain: str) -> Expectation:
    """How `path` is asked for, or without one the plainest that a rule takes; any good answer will do."""
    known = routes(stack)
    doors = front_doors(known, domain=domain)
    if path is None:
        door = next(iter(doors), RoutedRequest(host=domain))
    else:
        door = _taken(path, known, doors) or RoutedRequest(host=domain, path=path)
    query = "&".join(f"{name}={value}" for name, value in door.query)
    return Expectation(
        path=path or (f"{door.path}?{query}" if query else door.path),
        host=None if door.host == domain else door.host,
        headers=door.headers,
    )


def _taken(path: str, known: Sequence[Route], doors: Sequence[RoutedRequest]) -> RoutedRequest | None:
    """The request for `path` at the first door by which a router takes it."""
    plain, _, query = path.partition("?")
    pairs = tuple((name, value) for name, _, value in (one.partition("=") for one in query.split("&") if one))
    for door in doors:
        asked = msgspec.structs.replace(door, path=plain, query=pairs)
        if any(takes(one.tree, asked, syntax=one.syntax) is not False for one in known if one.tree):
            return asked
    return None


def unrouted(suite: Suite, stack: Stack, *, domain: str) -> Iterator[str]:
    """A line for each path that the suite looks at through the proxy, and no router's rule takes."""
    known = routes(stack)
    doors = front_doors(known, domain=domain)
    if suite.web is False or not doors:
        return
    there = ", ".join(dict.fromkeys(one.path for one in doors))
    for key, path in _looked_at(suite):
        if _taken(path, known, doors) is None:
            yield f"{FACTS_FILE}: {key}: no router's rule takes {path}; they take {there}"


def _looked_at(suite: Suite) -> Iterator[tuple[str, str]]:
    if suite.probe.path is not None:
        yield "probe.path", suite.probe.path
    for sign in suite.readiness:
        if sign.service is None and sign.path is not None:
            yield f"readiness {sign.name}", sign.path
