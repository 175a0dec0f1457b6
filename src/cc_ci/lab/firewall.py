"""What containers of a node may reach: each other on their networks, names, proxies, and the world outside.

All rules are in the node's own network namespace. They close this machine (its end of the link, and each of
its addresses), link-local addresses (a cloud's metadata), private networks that the machine can reach, the
lab's registry, and whatever listens in the node's namespace. The engine leaves DOCKER-USER to others.
"""

import ipaddress
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import msgspec

from cc_ci.errors import CcCiError
from cc_ci.lab.addresses import SLIRP, SLIRP_RESOLVER, Addresses, link_of
from cc_ci.lab.namespaces import in_network
from cc_ci.lab.places import Places
from cc_ci.lab.proxy import BRIDGE
from cc_ci.system.files import write_atomic
from cc_ci.system.process import Completed, Runner, check

MACHINE, REGISTRY, WORLD = "host0", "uplink0", "tap0"
"""The node's interfaces that lead out of it."""
SUITES = "ccs+"
"""The node's ends of the links to suites, each in a network of its own (`suite.own_network`)."""
PROXIES = BRIDGE
"""Where runs' proxies are: their apps are on other networks, so this one has nothing for them."""
LINK_LOCAL = "169.254.0.0/16"
NOT_THE_WORLD = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", LINK_LOCAL, "172.16.0.0/12"),
    *("192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
    *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
)
"""What RFC 6890 keeps out of the internet: behind the machine's way out, other people's networks."""

IN, FORWARD, OUT = "CC-CI-IN", "CC-CI-FORWARD", "CC-CI-OUT"
JUMPS = {"INPUT": IN, "DOCKER-USER": FORWARD, "OUTPUT": OUT}
KNOWN = ("-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "RETURN")
REFUSED = ("-j", "REJECT")

Family = Literal["ip", "ip6"]
FirewallRule = tuple[str, ...]


class Closed(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules of one node depend on; `machine` has this machine's own addresses.

    `private_images`: its engine may pull from a registry in a private network.
    """

    addresses: Addresses
    machine: tuple[str, ...]
    private_images: bool


def rules(closed: Closed) -> dict[str, tuple[FirewallRule, ...]]:
    """The rules of each chain for IPv4, in order."""
    return {
        IN: tuple(_to_the_node(closed)),
        FORWARD: tuple(_from_containers(closed)),
        OUT: tuple(_from_the_node(closed)),
    }


def _to_the_node(closed: Closed) -> Iterator[FirewallRule]:
    """Dnsmasq and published proxies; engine, Swarm's own ports and suites' sockets are not for containers."""
    yield KNOWN
    yield from _refuse("-i", PROXIES)
    for trusted in ("lo", MACHINE):
        yield ("-i", trusted, "-j", "RETURN")
    for protocol in ("udp", "tcp"):
        yield ("-d", closed.addresses.node, "-p", protocol, "--dport", "53", "-j", "RETURN")
    own = str(link_of(closed.addresses.node))
    for port in ("80", "443"):
        yield ("-d", own, "-p", "tcp", "--dport", port, "-j", "RETURN")
    yield from _refuse()


def _from_containers(closed: Closed) -> Iterator[FirewallRule]:
    """A proxy answers who asks it, and opens nothing: what is not there any more, it says so itself.

    Nobody has business with what a suite listens on.
    """
    yield KNOWN
    yield from _refuse("-i", PROXIES)
    yield from _refuse("-o", SUITES)
    for way in (MACHINE, REGISTRY):
        yield from _refuse("-o", way)
    for network in (*closed.machine, *NOT_THE_WORLD):
        yield from _refuse("-o", WORLD, "-d", network)


def _from_the_node(closed: Closed) -> Iterator[FirewallRule]:
    """The engine connects to what a recipe names, such as the address of a log's driver."""
    yield KNOWN
    yield from _refuse("-o", MACHINE)
    for protocol in ("udp", "tcp"):
        yield ("-o", WORLD, "-d", SLIRP_RESOLVER, "-p", protocol, "--dport", "53", "-j", "RETURN")
    networks = (LINK_LOCAL, str(SLIRP)) if closed.private_images else NOT_THE_WORLD
    for network in (*closed.machine, *networks):
        yield from _refuse("-o", WORLD, "-d", network)


def rules_6() -> dict[str, tuple[FirewallRule, ...]]:
    """The node has no way out by IPv6: there are only link-local addresses, at which nothing may be asked."""
    ways = tuple(("-o", way, *REFUSED) for way in (MACHINE, REGISTRY, WORLD))
    return {IN: (KNOWN, ("-i", "lo", "-j", "RETURN"), REFUSED), FORWARD: (KNOWN, *ways), OUT: (KNOWN, *ways)}


def _refuse(*match: str) -> Iterator[FirewallRule]:
    """The kernel sends few errors a second, and any number of resets."""
    yield (*match, "-p", "tcp", *REFUSED, "--reject-with", "tcp-reset")
    yield (*match, *REFUSED)


def frame_rules(network: str) -> Iterator[FirewallRule]:
    """Rules of ebtables for what one container sends to another on a bridge with these addresses."""
    yield ("-p", "IPv4", "--ip-dst", network, "-j", "DROP")
    for end in ("--arp-ip-dst", "--arp-ip-src"):
        yield ("-p", "ARP", end, network, "-j", "DROP")


def restore_text(chains: dict[str, tuple[FirewallRule, ...]], *, saved: str) -> str:
    """What iptables-restore is given: our chains anew, and the jumps to them that `saved` lacks."""
    lines = ["*filter", *(f":{chain} - [0:0]" for chain in chains)]
    if ":DOCKER-USER " not in saved:
        lines.append(":DOCKER-USER - [0:0]")
    for chain, wanted in chains.items():
        lines += [" ".join(("-A", chain, *rule)) for rule in wanted]
    there = saved.splitlines()
    for chain, ours in JUMPS.items():
        if f"-A {chain} -j {ours}" not in there:
            lines.append(f"-I {chain} 1 -j {ours}")
    return "\n".join([*lines, "COMMIT", ""])


def machine_addresses(shown: str) -> tuple[str, ...]:
    """This machine's IPv4 addresses, from `ip -json address`; loopback's are closed anyway."""
    links = json.loads(shown or "[]")
    found = (str(one["local"]) for link in links for one in link["addr_info"] if one["family"] == "inet")
    return tuple(sorted({one for one in found if not ipaddress.ip_address(one).is_loopback}))


class Firewall:
    """The rules of one node, written into its network namespace."""

    def __init__(self, node: Places, *, runner: Runner, say: Callable[[str], None]) -> None:
        self._node = node
        self._runner = runner
        self._say = say
        self._kept = node.runtime / "firewall"

    def close(self, addresses: Addresses, *, private_images: bool) -> None:
        """Write them, whatever is there; also as a mend."""
        closed = self._closed(addresses, private_images=private_images)
        self._write("ip", rules(closed))
        if self._run("test", "-e", "/proc/sys/net/ipv6").ok:
            self._write("ip6", rules_6())
        write_atomic(self._kept, repr(rules(closed)))

    def refresh(self, addresses: Addresses, *, private_images: bool) -> None:
        """Write them anew if they are others by now: this machine has got an address, or cc-ci a rule."""
        closed = self._closed(addresses, private_images=private_images)
        if self._kept.exists() and self._kept.read_text() != repr(rules(closed)):
            self.close(addresses, private_images=private_images)

    def _closed(self, addresses: Addresses, *, private_images: bool) -> Closed:
        shown = check(self._runner(["ip", "-json", "-4", "address", "show"])).stdout
        return Closed(addresses=addresses, machine=machine_addresses(shown), private_images=private_images)

    def _write(self, family: Family, chains: dict[str, tuple[FirewallRule, ...]]) -> None:
        what = f"firewall of node {self._node.name}"
        saved = check(self._run(f"{family}tables-save", "-t", "filter"), what=what).stdout
        text = restore_text(chains, saved=saved)
        check(self._run(f"{family}tables-restore", "-w", "--noflush", stdin=text), what=what)

    def part(self, shared: Iterable[str]) -> None:
        """Keep containers apart that share a bridge, on which one could take another's address.

        `shared` are the bridges' networks: not every kernel can tell which bridge a frame is on.
        """
        try:
            check(self._run("ebtables-nft", "-F", "FORWARD"))
            for rule in (rule for network in shared for rule in frame_rules(network)):
                check(self._run("ebtables-nft", "-A", "FORWARD", *rule))
        except CcCiError as error:
            self._say(f"warning: containers of different runs are parted by the engine alone: {error}")

    def _run(self, *argv: str, stdin: str | None = None) -> Completed:
        return self._runner([*in_network(self._node.network_namespace), *argv], stdin=stdin)
