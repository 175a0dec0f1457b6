"""Connections to an engine, for threads that ask it side by side."""

import contextlib
from collections.abc import Iterator
from typing import Any

import docker
import requests
from docker.errors import DockerException
from docker.transport.unixconn import UnixHTTPAdapter

from cc_ci.engine.endpoint import endpoint
from cc_ci.engine.node import Node
from cc_ci.errors import InfrastructureError
from cc_ci.system.process import Runner
from cc_ci.system.units import Seconds

LONGEST_CALL: Seconds = 120.0
"""An engine that unpacks an image answers late; one that takes longer is not well."""
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


def client_of(node: Node, runner: Runner) -> Any:
    """docker-py's client of the node's engine, to be shared by threads.

    Over a network and ssh, docker-py has no pool for each URL. Raises InfrastructureError when the engine
    does not answer.
    """
    with spoken(f"node {node.name}: its engine at {node.docker_host} does not answer"):
        host, tls = endpoint(node.docker_host, runner)
        client = docker.APIClient(
            base_url=host,
            version="auto",
            timeout=int(LONGEST_CALL),
            use_ssh_client=host.startswith("ssh://"),
            tls=tls,
        )
    if host.startswith("unix://"):
        socket = host.replace("unix://", "http+unix://", 1)
        client.mount("http+docker://", OnePool(socket, timeout=int(LONGEST_CALL), max_pool_size=MOST))
    return client


@contextlib.contextmanager
def spoken(what: str) -> Iterator[None]:
    """Translate docker-py's and its transport's errors, once."""
    try:
        yield
    except (DockerException, requests.RequestException, OSError) as error:
        reason = getattr(error, "explanation", None) or str(error)
        raise InfrastructureError(f"{what}: {str(reason).strip().splitlines()[0]}") from error
