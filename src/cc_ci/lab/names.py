"""Names inside a node: a run's domains lead to its proxy, and image registries' names to the lab's own."""

from collections.abc import Mapping, Sequence

from cc_ci.engine.node import Node
from cc_ci.lab import name_server
from cc_ci.lab.addresses import SLIRP_RESOLVER
from cc_ci.lab.hosts import host_name
from cc_ci.system.files import write_atomic

REGISTRY_HOSTS = {
    "docker.io": ("registry-1.docker.io", "index.docker.io", "auth.docker.io", "docker.io"),
}
"""Where an engine looks for the images of an upstream name, if not under that very name."""


def hosts_of(upstream: str) -> tuple[str, ...]:
    return REGISTRY_HOSTS.get(upstream, (upstream,))


def lead(node: Node, domain: str) -> None:
    """From now on `domain`, and all below it, leads to the run's proxy, until the proxy goes."""
    if node.names is not None:
        write_atomic(node.names / host_name(domain), node.address)


def dnsmasq_argv(*, ci_domain: str, upstreams: Mapping[str, str], listen: Sequence[str]) -> tuple[str, ...]:
    """The command line of dnsmasq; `upstreams` has the address of the lab's registry by upstream name."""
    answers = {host: at for upstream, at in upstreams.items() for host in hosts_of(upstream)}
    return (
        "dnsmasq",
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--pid-file=",
        "--user=root",
        "--no-hosts",
        "--no-resolv",
        f"--server={SLIRP_RESOLVER}",
        f"--server=/{ci_domain}/127.0.0.1#{name_server.PORT}",
        # a name that is not there yet may be there the next moment
        "--no-negcache",
        "--bind-interfaces",
        *(f"--listen-address={one}" for one in listen),
        *(f"--address=/{host}/{at}" for host, at in answers.items()),
    )
