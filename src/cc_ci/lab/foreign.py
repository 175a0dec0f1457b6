"""A Swarm that is there already, used only when it is named; no root is needed."""

import socket
from pathlib import Path
from urllib.parse import urlsplit

from cc_ci.engine import endpoint
from cc_ci.engine.docker_engine import connect
from cc_ci.engine.node import Node
from cc_ci.errors import InfrastructureError, UsageError
from cc_ci.system.process import Runner

PROXY = "proxy"
LOCAL = "127.0.0.1"


def foreign(
    target: str, *, ci_domain: str, runner: Runner, address: str | None = None, authority: Path | None = None
) -> Node:
    """The node behind a docker context or a host (unix://, tcp://, ssh://), if a run can use it.

    `address` is where its proxy answers, by default the host's own; `authority` is a CA to trust besides the
    machine's. Raises UsageError for what its operator has to set up first.
    """
    node = Node(
        name=target,
        kind="foreign",
        docker_host=target,
        address=address or _address(target, runner),
        ci_domain=ci_domain,
        # its kernel can't be seen from here, and Swarm is of little use to its operator without
        ipvs=True,
        ca_certificate=authority,
    )
    engine = connect(node, runner)
    if not engine.system().swarm:
        raise UsageError(f"node {target}: not a manager of a Swarm; `docker swarm init` there makes it one")
    if not any(network.name == PROXY for network in engine.networks()):
        create = f"docker network create --driver overlay --attachable {PROXY}"
        raise UsageError(f"node {target}: has no network {PROXY}; `{create}` there makes it, for its proxy")
    return node


def _address(target: str, runner: Runner) -> str:
    """The IPv4 address of the host that an endpoint names; this machine's loopback for a socket."""
    host = urlsplit(endpoint.address(target, runner)).hostname
    if host is None:
        return LOCAL
    try:
        return socket.gethostbyname(host)
    except OSError as error:
        raise InfrastructureError(
            f"node {target}: {host}: no address ({error}); --address gives one"
        ) from error
