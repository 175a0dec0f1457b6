"""The engine's own answers, by its HTTP API at its socket: no client of cc-ci's is between."""

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from cc_ci_guard.census import Thing, ThingKind
from cc_ci_guard.errors import GuardBlindError

RUN_LABEL = "cc-ci.run"
PROVIDER_DATABASES: Mapping[str, tuple[str, ...]] = {
    "cc-ci-provider-keycloak-db": (
        "psql",
        "-U",
        "keycloak",
        "-At",
        "-c",
        "select name from realm order by name",
    ),
}
"""The database of each provider that outlives runs, and what lists its realms."""
LISTS: Mapping[ThingKind, str] = {
    "service": "/services",
    "container": "/containers/json?all=1",
    "network": "/networks",
    "volume": "/volumes",
    "secret": "/secrets",
    "config": "/configs",
}
ROUTER = "traefik.http.routers."
TIMEOUT_SECONDS = 60.0
OK, CONFLICT = range(200, 300), 409


class Asked(Protocol):
    """Answers a request of the engine's API with its status and body."""

    def __call__(self, method: str, path: str, body: object = None) -> tuple[int, bytes]: ...


class _AtSocket(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("engine", timeout=TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def at_socket(place: Path) -> Asked:
    """Ask the engine that listens there. Raises GuardBlindError where nobody does."""

    def ask(method: str, path: str, body: object = None) -> tuple[int, bytes]:
        connection = _AtSocket(place)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise GuardBlindError(
                f"{place}: the engine does not answer ({error}); is the node up?"
            ) from error
        finally:
            connection.close()

    return ask


def things(ask: Asked, *, now: float) -> Iterator[Thing]:
    """All that the engine has, images apart: to keep those is no leak."""
    for kind, path in LISTS.items():
        for one in _listed(ask, path):
            yield _thing(kind, one, now=now)
            if kind == "service":
                yield from _routers(one, now=now)


def _listed(ask: Asked, path: str) -> list[dict[str, Any]]:
    found = _json(ask, "GET", path)
    if isinstance(found, dict):
        found = found.get("Volumes") or []
    return list(found or [])


def _json(ask: Asked, method: str, path: str, body: object = None) -> Any:
    status, content = ask(method, path, body)
    if status not in OK:
        raise GuardBlindError(f"engine: {method} {path}: {status}: {content[:200].decode(errors='replace')}")
    return json.loads(content or b"null")


def _thing(kind: ThingKind, one: Mapping[str, Any], *, now: float) -> Thing:
    labels = _labels(one)
    return Thing(kind=kind, name=_name(one), owner=labels.get(RUN_LABEL), age=_age(one, now=now))


def _name(one: Mapping[str, Any]) -> str:
    if names := one.get("Names"):
        return str(names[0]).removeprefix("/")
    return str(one.get("Name") or (one.get("Spec") or {}).get("Name") or one.get("Id") or one.get("ID"))


def _labels(one: Mapping[str, Any]) -> Mapping[str, str]:
    return one.get("Labels") or (one.get("Spec") or {}).get("Labels") or {}


def _age(one: Mapping[str, Any], *, now: float) -> float | None:
    made = one.get("CreatedAt") or one.get("Created")
    if isinstance(made, int):
        return now - made
    if not isinstance(made, str):
        return None
    # nanoseconds, which Python 3.11 does not read
    whole, _, rest = made.partition(".")
    zone = rest.lstrip("0123456789")
    try:
        return now - datetime.fromisoformat(f"{whole}{zone}").timestamp()
    except ValueError:
        return None


def _routers(service: Mapping[str, Any], *, now: float) -> Iterator[Thing]:
    labels = _labels(service)
    for key, rule in labels.items():
        if key.startswith(ROUTER) and key.endswith(".rule"):
            yield Thing(kind="router", name=rule, owner=labels.get(RUN_LABEL), age=_age(service, now=now))


def realms(ask: Asked) -> tuple[tuple[Thing, ...], tuple[str, ...]]:
    """The realms of providers that outlive runs; and the providers that could not be asked, with why."""
    found: list[Thing] = []
    unseen: list[str] = []
    there = {_name(one): one for one in _listed(ask, LISTS["container"])}
    for container, argv in PROVIDER_DATABASES.items():
        if container not in there:
            continue
        if there[container].get("State") != "running":
            unseen.append(f"realms of {container}: it is {there[container].get('State')}")
            continue
        names = _executed(ask, container, argv).decode(errors="replace").split()
        found += [Thing(kind="realm", name=name) for name in names]
    return tuple(found), tuple(unseen)


def _executed(ask: Asked, container: str, argv: tuple[str, ...]) -> bytes:
    wanted = {"AttachStdout": True, "AttachStderr": True, "Tty": True, "Cmd": list(argv)}
    made = _json(ask, "POST", f"/containers/{quote(container)}/exec", wanted)["Id"]
    status, said = ask("POST", f"/exec/{made}/start", {"Detach": False, "Tty": True})
    code = _json(ask, "GET", f"/exec/{made}/json")["ExitCode"]
    if status not in OK or code:
        raise GuardBlindError(f"{container}: {argv[0]} exit {code}: {said[:200].decode(errors='replace')}")
    return said
