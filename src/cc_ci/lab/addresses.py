"""Addresses of a private node, chosen so that they collide with nothing that this machine can reach."""

import ipaddress
import json
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import msgspec

from cc_ci.errors import InfrastructureError
from cc_ci.system.process import Runner, check

LINKS = tuple(map(IPv4Network, ("10.213.0.0/16", "172.29.0.0/16", "192.168.208.0/20")))
"""Each node takes a /24 of one: the link to this machine, and the link to the upstream registry."""
SLIRP = IPv4Network("10.0.2.0/24")
"""Where slirp4netns has its gateway and its resolver (slirp4netns(1))."""
SLIRP_RESOLVER = "10.0.2.3"
POOLS = tuple(
    map(
        IPv4Network,
        (*(f"10.{second}.0.0/15" for second in range(214, 246, 4)), "172.24.0.0/15", "172.26.0.0/15"),
    )
)
"""Candidates for the engine's own networks: one half for bridges, the other for Swarm's overlays."""
WIDEST = 8
"""A wider route, such as the halves of the internet that a VPN claims, is no network that one is in."""


class Addresses(msgspec.Struct, frozen=True, kw_only=True):
    """`host` and `node` are the two ends of one link, `uplink` the node's end of the one to the registry."""

    host: str
    node: str
    uplink: str
    upstreams: tuple[str, ...]
    bridges: str
    overlays: str

    @property
    def proxies(self) -> IPv4Network:
        """Where runs' proxies have their addresses, one each: the upper half of the node's own /24."""
        return tuple(link_of(self.node).subnets(prefixlen_diff=1))[1]


def choose(taken: Iterable[IPv4Network]) -> Addresses:
    """Take the first free networks. Raises InfrastructureError when all are in use."""
    used = [*taken, SLIRP]
    link = _first((part for whole in LINKS for part in whole.subnets(new_prefix=24)), used)
    bridges, overlays = _first(iter(POOLS), [*used, link]).subnets(prefixlen_diff=1)
    return Addresses(
        host=str(link[1]),
        node=str(link[2]),
        uplink=str(link[65]),
        upstreams=tuple(str(link[number]) for number in range(66, 126)),
        bridges=str(bridges),
        overlays=str(overlays),
    )


def _first(candidates: Iterator[IPv4Network], used: list[IPv4Network]) -> IPv4Network:
    free = (network for network in candidates if not any(network.overlaps(other) for other in used))
    found = next(free, None)
    if found is None:
        raise InfrastructureError(
            "addresses: every network that a node could take is in use here; `ip route` shows them"
        )
    return found


def taken_here(runner: Runner, *, resolv: Path = Path("/etc/resolv.conf")) -> tuple[IPv4Network, ...]:
    """The networks that this machine has a route to, and its resolvers."""
    shown = check(runner(["ip", "-json", "-4", "route", "show", "table", "all"])).stdout
    routes = [str(route.get("dst", "")) for route in json.loads(shown or "[]")]
    resolvers = [
        words[1] for line in resolv.read_text().splitlines() if (words := line.split())[:1] == ["nameserver"]
    ]
    return tuple(network for text in (*routes, *resolvers) if (network := _network(text)) is not None)


def _network(text: str) -> IPv4Network | None:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None  # "default", or a broadcast entry
    return network if isinstance(network, IPv4Network) and network.prefixlen >= WIDEST else None


def is_free(address: str, taken: Iterable[IPv4Network]) -> bool:
    return not any(IPv4Address(address) in network for network in taken)


def link_of(address: str) -> IPv4Network:
    """The network of a node that has this address."""
    return IPv4Network(f"{address}/24", strict=False)
