"""A first suite for a recipe: what can be read off the recipe, and what is left to fill in."""

import json
import re
from collections.abc import Iterator

import msgspec

from cc_ci.recipes.ending import guessed
from cc_ci.recipes.front import fronts
from cc_ci.recipes.routes import Route, front_doors, routes
from cc_ci.recipes.rule_reach import RoutedRequest, takes
from cc_ci.recipes.stack import Stack
from cc_ci.suite.facts import FACTS_FILE
from cc_ci.suite.templates import SEED, TESTS

POSTGRES = re.compile(r"(^|/)(postgres|postgis|pgautoupgrade)(:|$)")


class ChosenFront(msgspec.Struct, frozen=True, kw_only=True):
    """The path that shows whether the app serves, and where it is from."""

    path: str = "/"
    because: str = "no health check of the recipe names a better one"


def front(stack: Stack, *, domain: str) -> ChosenFront:
    """The path that the health check of a routed service asks for, or another that its router takes."""
    for found in fronts(stack):
        if _taken(found.route, found.path, domain):
            because = f"the health check of service {found.route.service} asks for it"
            return ChosenFront(path=found.path, because=because)
    door = next(iter(front_doors(routes(stack), domain=domain)), None)
    if door is None or door.path == "/":
        return ChosenFront()
    return ChosenFront(path=door.path, because="the router's rule takes no other")


def _taken(route: Route, path: str, domain: str) -> bool:
    request = RoutedRequest(host=domain, path=path)
    return route.tree is not None and takes(route.tree, request, syntax=route.syntax) is not False


def files(
    name: str, stack: Stack, *, domain: str, secrets: tuple[str, ...], web: bool = True
) -> dict[str, str]:
    """The files of a new suite by name; it is green on a healthy recipe as it stands."""
    shown = front(stack, domain=domain) if web else None
    made = {FACTS_FILE: "".join(f"{line}\n" for line in _facts(name, shown, stack, secrets=secrets))}
    if shown:
        made["test_front.py"] = TESTS.replace("PATH", json.dumps(shown.path))
    return {**made, "seed.py": SEED}


def _facts(name: str, shown: ChosenFront | None, stack: Stack, *, secrets: tuple[str, ...]) -> Iterator[str]:
    yield f"recipe = {json.dumps(name)}"
    yield '# seeds = "seed.py"  # once write, read and delete in it are filled in'
    if secrets:
        yield f"# secrets = {json.dumps(list(secrets))}  # those that tests may read; the recipe has these"
    if shown is None:
        yield "web = false  # nothing answers through the proxy: the app is there once its services are"
    if ends := sorted(guessed(stack)):
        yield f"ends = {json.dumps(ends)}  # these end by design, with code 0"
    if shown:
        yield from _probe(shown)
    for service in stack.services.values():
        if POSTGRES.search(service.image):
            yield from _database(service.name)
    yield ""
    yield "[weight]  # the app's peak: see `peak_memory_bytes` in the results of a run"
    yield "memory_mib = 256"
    yield "cpus = 1.0"


def _probe(shown: ChosenFront) -> Iterator[str]:
    yield ""
    yield "[probe]  # ready means: this path answers so, through the proxy"
    yield f"path = {json.dumps(shown.path)}  # {shown.because}"
    yield 'status = "any"  # any answer of the app below 500; better is the number that you know'
    yield '# contains = "Welcome"'


def _database(service: str) -> Iterator[str]:
    yield ""
    yield "[[readiness]]  # a further sign, with a time of its own in the results"
    yield f"name = {json.dumps(service if service != 'app' else 'database')}"
    yield f"service = {json.dumps(service)}"
    yield 'run = ["pg_isready", "-h", "127.0.0.1"]'
