"""Keep tests inside the node: in its network namespace, their uids reach its own addresses only.

The node's way out leads to the machine's own addresses, too, where services may listen for everybody, and its
bridges lead to containers past the proxy. Policy routing by uid closes both to tests, and to them alone.
Local addresses come before any rule, and a published port is still sent on to its container: the kernel does
that after the look-up that the rule is part of.
"""

from collections.abc import Iterator
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
    try:
        for rule in rules(resolver):
            added = runner(("nsenter", f"--net={namespace}", "--", "ip", *rule))
            if _THERE_ALREADY not in added.stderr:
                check(added, what=f"ip {' '.join(rule)}")
    except CcCiError as error:
        return f"suite: its tests can reach networks outside the node: {error}"
    return None


def rules(resolver: str) -> Iterator[tuple[str, ...]]:
    """Arguments of `ip`; `resolver` is a resolv.conf, whose servers stay open wherever they are."""
    for server in nameservers(resolver):
        yield ("-4", "rule", "add", "priority", _ALLOW, *_UIDS, "to", server, "lookup", "main")
    for family in ("-4", "-6"):
        yield (family, "rule", "add", "priority", _FORBID, *_UIDS, "prohibit")


def nameservers(resolver: str) -> tuple[str, ...]:
    """The IPv4 servers in a resolv.conf."""
    words = [line.split() for line in resolver.splitlines()]
    return tuple(line[1] for line in words if line[:1] == ["nameserver"] and "." in line[1])
