"""A first suite for a recipe: what can be read off the recipe, and what is left to fill in."""

import json
import re
from collections.abc import Iterator

import msgspec

from cc_ci.recipes.routes import Route, routes
from cc_ci.recipes.stack import Service, Stack
from cc_ci.suite.facts import FACTS_FILE

OWN_URL = re.compile(
    r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])(?::(\d+))?(/[A-Za-z0-9/._~-]*)?"
)
POSTGRES = re.compile(r"(^|/)(postgres|postgis|pgautoupgrade)(:|$)")


class Front(msgspec.Struct, frozen=True, kw_only=True):
    """The path that shows whether the app serves, and where it is from."""

    path: str = "/"
    because: str = "no health check of the recipe names a better one"


def front(stack: Stack) -> Front:
    """The path that the health check of a routed service asks for, at the port that is routed."""
    found = (one for route in routes(stack) if (one := _checked(route, stack.services[route.service])))
    return next(found, Front())


def _checked(route: Route, service: Service) -> Front | None:
    command = " ".join((service.healthcheck and service.healthcheck.test) or ())
    for port, path in OWN_URL.findall(command):
        if int(port or 80) == (route.port or 80):
            return Front(path=path or "/", because=f"the health check of service {service.name} asks for it")
    return None


def files(name: str, stack: Stack, *, secrets: tuple[str, ...]) -> dict[str, str]:
    """The files of a new suite by name; it is green on a healthy recipe as it stands."""
    shown = front(stack)
    return {
        FACTS_FILE: "".join(f"{line}\n" for line in _facts(name, shown, stack, secrets=secrets)),
        "test_front.py": TESTS.replace("PATH", json.dumps(shown.path)),
        "seed.py": SEED,
    }


def _facts(name: str, shown: Front, stack: Stack, *, secrets: tuple[str, ...]) -> Iterator[str]:
    yield f"recipe = {json.dumps(name)}"
    yield '# seeds = "seed.py"  # once write, read and delete in it are filled in'
    if secrets:
        yield f"# secrets = {json.dumps(list(secrets))}  # those that tests may read; the recipe has these"
    yield ""
    yield "[probe]  # ready means: this path answers so, through the proxy"
    yield f"path = {json.dumps(shown.path)}  # {shown.because}"
    yield 'status = "any"  # any answer of the app below 500; better is the number that you know'
    yield '# contains = "Welcome"'
    for service in stack.services.values():
        if POSTGRES.search(service.image):
            yield from _database(service.name)
    yield ""
    yield "[weight]  # the app's peak: see `peak_memory_bytes` in the results of a run"
    yield "memory_mib = 256"
    yield "cpus = 1.0"


def _database(service: str) -> Iterator[str]:
    yield ""
    yield "[[readiness]]  # a further sign, with a time of its own in the results"
    yield f"name = {json.dumps(service if service != 'app' else 'database')}"
    yield f"service = {json.dumps(service)}"
    yield 'run = ["pg_isready", "-h", "127.0.0.1"]'


TESTS = """\
def test_the_app_answers(http):
    answer = http.get(PATH)
    assert answer.status_code < 500
"""

SEED = '''\
"""Markers are ... (what a user of the app would miss). Fill in all three, then name this file by `seeds`."""


def write(app, http, key, value):
    """Put `value` into the app under `key`, as a user does, and assert that it was taken."""
    raise NotImplementedError


def read(app, http, key):
    """What the app has under `key`; None if it has nothing."""
    raise NotImplementedError


def delete(app, http, key):
    raise NotImplementedError
'''
