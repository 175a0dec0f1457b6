"""Connections to an engine, for threads that ask it side by side."""

from typing import Any

from docker.transport.unixconn import UnixHTTPAdapter

from cc_ci.system.units import Seconds

HERE = "http+docker://localhost"
"""What docker-py calls an engine that it reaches by a socket."""
MOST = 64
"""Connections that are kept for the next call; more are made where more threads ask at once."""


class OnePool(UnixHTTPAdapter):
    """All calls share one pool, which is safe between threads.

    docker-py has a pool for each URL and keeps the 25 that were used last: it closes another thread's as that
    thread is about to use it, which ends its call.
    """

    def get_connection(self, url: bytes | str, proxies: Any = None) -> Any:
        del url
        return super().get_connection(HERE, proxies)


def share_one_pool(client: Any, host: str, *, timeout: Seconds) -> None:
    """Have a client of docker-py reach its engine so; over a network and ssh, it has no pool for each URL."""
    if host.startswith("unix://"):
        socket = host.replace("unix://", "http+unix://", 1)
        client.mount("http+docker://", OnePool(socket, timeout=int(timeout), max_pool_size=MOST))
