"""What a run's proxy sees of the engine: a few questions, and of the answers what is its own run's.

Whoever has the engine's socket is root on the node, and a proxy reads what strangers send. So it gets this
socket instead. The kernel says who calls: each proxy has a user of its own. Nothing of a request is
handed on but which of the questions it is, so that there is nothing to get past.
"""

import http.client
import http.server
import json
import re
import socket
import socketserver
import struct
import threading
import urllib.parse
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from cc_ci.engine.labels import DEPLOYMENT, ROLE, RUN, SERVES
from cc_ci.lab.proxy import CONTAINER, FIRST_UID

ASKED = re.compile(
    r"(?P<version>/v1\.\d{1,3})?/(?P<what>_ping|version|services|tasks|networks|nodes/[a-z0-9]+)"
)
OWN = {"services": (), "tasks": ("service",), "networks": ("scope",)}
"""Lists, of which a proxy gets its run's part, and by what it may narrow them further."""
HANDED_BACK = ("Content-Type", "Api-Version", "Docker-Experimental", "Ostype")
PEER = struct.Struct("3i")
"""SO_PEERCRED of unix(7): pid, uid and gid."""
AT_ONCE = 8
"""Calls of one proxy; Traefik makes two."""
LONGEST_CALL = 30.0
SAID_AT_MOST = 1000
"""Lines in its log."""


class Refused(Exception):  # noqa: N818 - reads as what it is
    """What a proxy may not ask."""


class Served(NamedTuple):
    """Whose services a proxy sees: its run's, or one deployment's of it."""

    run: str
    deployment: str | None = None

    @property
    def labels(self) -> list[str]:
        own = [f"{DEPLOYMENT}={self.deployment}"] if self.deployment else []
        return [f"{RUN}={self.run}", *own]


def question(target: str, *, served: Served) -> str:
    """The request line's target as the engine gets it from us. Raises Refused."""
    path, _, query = target.partition("?")
    asked = ASKED.fullmatch(path)
    if asked is None:
        raise Refused(f"{path}: not for a proxy")
    if asked["what"] not in OWN:
        return path
    filters = _narrowed(query, OWN[asked["what"]]) | {"label": served.labels}
    return f"{path}?{urllib.parse.urlencode({'filters': json.dumps(filters)})}"


def _narrowed(query: str, allowed: tuple[str, ...]) -> dict[str, Any]:
    """The allowed ones of a query's filters, each a list of texts as newer engines and older ones take it."""
    try:
        given = json.loads(urllib.parse.parse_qs(query).get("filters", ["{}"])[0])
        return {key: [str(value) for value in given[key]] for key in allowed if key in given}
    except (ValueError, TypeError, RecursionError) as error:
        raise Refused("filters: not understood") from error


class EngineConnection(http.client.HTTPConnection):
    """To the engine's own socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("docker", timeout=LONGEST_CALL)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def ask(engine: Path, target: str) -> tuple[int, dict[str, str], bytes]:
    """Ask the engine; status, headers and body."""
    connection = EngineConnection(engine)
    try:
        connection.request("GET", target)
        response = connection.getresponse()
        headers = {name: value for name in HANDED_BACK if (value := response.getheader(name))}
        return response.status, headers, response.read()
    finally:
        connection.close()


def served_by(number: int, engine: Path) -> Served:
    """Whose proxy has this number now, by the engine's own word. Raises Refused if nobody's."""
    status, _, body = ask(engine, f"/containers/{CONTAINER}{number}/json")
    labels = json.loads(body)["Config"]["Labels"] if status == http.HTTPStatus.OK else {}
    if labels.get(ROLE) != "proxy" or not labels.get(RUN):
        raise Refused(f"proxy {number}: there is none")
    return Served(str(labels[RUN]), labels.get(SERVES))


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection of one proxy."""

    protocol_version = "HTTP/1.1"
    timeout = LONGEST_CALL
    server: "SocketFilter"

    def do_GET(self) -> None:
        self._answer(body_too=True)

    def do_HEAD(self) -> None:
        self._answer(body_too=False)

    def _answer(self, *, body_too: bool) -> None:
        try:
            served = served_by(self.server.peer(self.connection) - FIRST_UID, self.server.engine)
            status, headers, body = ask(self.server.engine, question(self.path, served=served))
        except Refused as error:
            status, headers, body = 403, {"Content-Type": "application/json"}, _message(str(error))
        except (OSError, ValueError, http.client.HTTPException) as error:
            status, headers, body = 502, {"Content-Type": "application/json"}, _message(f"engine: {error}")
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if body_too:
            self.wfile.write(body)

    def address_string(self) -> str:
        return f"uid {self.server.peer(self.connection)}"

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Say only what was refused."""
        if code != http.HTTPStatus.OK:
            super().log_request(str(code), str(size))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """A proxy that is taken over must not fill the disk with it."""
        if self.server.said < SAID_AT_MOST:
            self.server.said += 1
            super().log_message(format, *args)


def _message(text: str) -> bytes:
    return json.dumps({"message": text}).encode()


class SocketFilter(socketserver.ThreadingUnixStreamServer):
    """Listens at `path`, and asks the engine at its own socket `engine`."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: Path, *, engine: Path) -> None:
        self.engine = engine
        self.said = 0
        self._calls: Counter[int] = Counter()
        self._lock = threading.Lock()
        path.unlink(missing_ok=True)
        super().__init__(str(path), Handler)
        # who may ask is decided by who calls, not by who finds it
        path.chmod(0o666)

    @staticmethod
    def peer(connection: socket.socket) -> int:
        """The user at the other end."""
        found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER.size)
        return int(PEER.unpack(found)[1])

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002 - socketserver's
        """Nobody keeps others from it by calling too often."""
        user = self.peer(request)
        with self._lock:
            self._calls[user] += 1
            if self._calls[user] <= AT_ONCE:
                return True
            self._calls[user] -= 1
            return False

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        user = self.peer(request)
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._calls[user] -= 1
