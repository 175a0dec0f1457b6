"""Names inside a node: the CI domain leads to its proxy, and image registries' names to the lab's own."""

from collections.abc import Mapping, Sequence

from cc_ci.lab.addresses import SLIRP_RESOLVER

REGISTRY_HOSTS = {
    "docker.io": ("registry-1.docker.io", "index.docker.io", "auth.docker.io", "docker.io"),
}
"""Where an engine looks for the images of an upstream name, if not under that very name."""


def hosts_of(upstream: str) -> tuple[str, ...]:
    return REGISTRY_HOSTS.get(upstream, (upstream,))


def dnsmasq_argv(
    *, address: str, ci_domain: str, upstreams: Mapping[str, str], listen: Sequence[str]
) -> tuple[str, ...]:
    """The command line of dnsmasq; `upstreams` has the address of the lab's registry by upstream name."""
    answers = {ci_domain: address}
    answers.update({host: at for upstream, at in upstreams.items() for host in hosts_of(upstream)})
    return (
        "dnsmasq",
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--pid-file=",
        "--user=root",
        "--no-hosts",
        "--no-resolv",
        f"--server={SLIRP_RESOLVER}",
        "--bind-interfaces",
        *(f"--listen-address={one}" for one in listen),
        *(f"--address=/{host}/{at}" for host, at in answers.items()),
    )
