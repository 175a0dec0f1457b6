"""Keep tests inside the node: in its network namespace, their uids reach its own addresses and bridges only.

The node's way out leads to the machine's own addresses, too, where services may listen for everybody. Policy
routing by uid closes it to tests, and to them alone; local addresses (the proxy) come before any rule.
"""

import ipaddress
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from cc_ci.errors import CcCiError
from cc_ci.suite.sandbox import FIRST_UID
from cc_ci.system.process import Runner, check

LAST_UID = FIRST_UID + (1 << 22)
"""No process id is larger."""
_UIDS = ("uidrange", f"{FIRST_UID}-{LAST_UID}")
_ALLOW = "100"
_FORBID = "101"
_THERE_ALREADY = "File exists"


def close_egress(namespace: Path, *, resolver: str, runner: Runner) -> str | None:
    """Add the rules, as often as one likes; a warning where that can't be done."""
    enter = ("nsenter", f"--net={namespace}", "--", "ip")
    try:
        bridges = check(
            runner((*enter, "-j", "-4", "address", "show", "type", "bridge")), what="ip address"
        ).stdout
        for rule in rules(allowed=(*bridge_networks(bridges), *nameservers(resolver))):
            added = runner((*enter, *rule))
            if _THERE_ALREADY not in added.stderr:
                check(added, what=f"ip {' '.join(rule)}")
    except CcCiError as error:
        return f"suite: its tests can reach networks outside the node: {error}"
    return None


def rules(*, allowed: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Arguments of `ip`: published ports are rerouted to a container on a bridge, so bridges stay open."""
    for network in allowed:
        yield ("-4", "rule", "add", "priority", _ALLOW, *_UIDS, "to", network, "lookup", "main")
    for family in ("-4", "-6"):
        yield (family, "rule", "add", "priority", _FORBID, *_UIDS, "prohibit")


def bridge_networks(listing: str) -> tuple[str, ...]:
    """The networks in `ip -j address show`."""
    # older releases of ip list an empty object for each interface of another type
    addresses = (address for link in json.loads(listing or "[]") for address in link.get("addr_info", ()))
    interfaces = (ipaddress.ip_interface(f"{one['local']}/{one['prefixlen']}") for one in addresses)
    return tuple(dict.fromkeys(str(interface.network) for interface in interfaces))


def nameservers(resolver: str) -> tuple[str, ...]:
    """The IPv4 servers in a resolv.conf."""
    words = [line.split() for line in resolver.splitlines()]
    return tuple(line[1] for line in words if line[:1] == ["nameserver"] and "." in line[1])
