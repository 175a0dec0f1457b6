"""A network namespace of one call's own, with a link to its node, as a prefix of argv.

Tests reach the addresses that they are given a route to, on the node, and nothing else of it: no socket that
another suite listens on, abstract ones included, no other run's proxy, no container past the proxy, and no
way out. They can't change that: the namespace is root's. It goes with its last process, and its link with it.
"""

import secrets
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

SUITES = IPv4Network("203.0.113.0/24")
"""Each call has an address of these, which nobody in the world has (RFC 5737)."""
GATEWAY = str(SUITES[254])
PREFIX = "ccs"
"""What the node's end of each link begins with."""

_NET = str(SUITES).rpartition(".")[0]
_SCRIPT = f"""
set -e
on_node="nsenter --net=$1 --" near=$2 n=1
shift 2
$on_node ip address replace {GATEWAY}/32 dev lo
$on_node ip link add "$near" type veth peer name eth0 netns $$
$on_node ip link set "$near" up
# the kernel takes a route once: whoever has it has the address
until $on_node ip route add {_NET}.$n dev "$near" 2>/dev/null; do
  n=$((n + 1))
  [ $n -lt 254 ] || {{ echo "no address is left for a suite" >&2; exit 1; }}
done
ip link set lo up
ip address add {_NET}.$n/32 dev eth0
ip link set eth0 up
while [ "$1" != -- ]; do ip route add "$1" via {GATEWAY} dev eth0 onlink; shift; done
shift
exec "$@"
"""


def entering(node: Path, reach: tuple[str, ...]) -> Iterator[str]:
    """The prefix for a node with the network namespace `node`; `reach` are IPv4 addresses on it."""
    near = f"{PREFIX}{secrets.token_hex(5)}"
    yield from ("unshare", "--net", "--", "sh", "-c", _SCRIPT, "own-network", str(node), near)
    yield from (*dict.fromkeys(reach), "--")


def nameservers(resolver: str) -> tuple[str, ...]:
    """The IPv4 servers in a resolv.conf."""
    words = [line.split() for line in resolver.splitlines()]
    return tuple(line[1] for line in words if line[:1] == ["nameserver"] and "." in line[1])
