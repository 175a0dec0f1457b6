"""What runs' proxies need of their node, in one program that runs as long as the node does.

`python -m cc_ci.lab.proxy_services PROXIES FILTERED ENGINE`, in the node's network namespace: it answers for
the names below the folder PROXIES, and at the socket FILTERED for the engine at its socket ENGINE.
"""

import contextlib
import functools
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from cc_ci.lab.name_server import PORT, address_of, serve
from cc_ci.lab.places import Places
from cc_ci.lab.socket_filter import SocketFilter

NAME = "proxy-services"


def argv(node: Places) -> tuple[str, ...]:
    folders = (node.proxies, node.filtered_socket, node.socket)
    # nothing of the environment that it happens to be started from
    return (sys.executable, "-I", "-m", __name__, *map(str, folders))


def main(proxies: Path, filtered: Path, engine: Path) -> None:
    with _names() as names, SocketFilter(filtered, engine=engine) as calls:
        lookup = functools.partial(address_of, proxies=proxies)
        threading.Thread(target=serve, args=(names, lookup), name="names", daemon=True).start()
        calls.serve_forever()


@contextlib.contextmanager
def _names() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as at:
        at.bind(("127.0.0.1", PORT))
        yield at


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
