"""Ports that a stack publishes on the node."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cc_ci.recipes.policy.looking import PROXY_PORTS, Look
from cc_ci.recipes.policy.refusals import Refusal

LAST_PORT = 65_535
MOST_PORTS = 200
"""Each is a process of the engine's; relays of calls ask for 100 at a time."""


def ports(look: Look, key: str, service: str, value: Sequence[Mapping[str, Any]]) -> Iterator[Refusal]:
    count = sum(1 for port in value if port.get("published"))
    if count > MOST_PORTS:
        what = f"publishes {count} ports, and the engine has a process for each"
        yield look.needs(f"ports:{service}:{count}", key, what)
        return
    for port in value:
        if number := port.get("published"):
            protocol = port.get("protocol", "tcp").lower()
            yield from _published(look, f"{key}.{number}", number, protocol)


def _published(look: Look, key: str, number: int, protocol: str) -> Iterator[Refusal]:
    if number > LAST_PORT:
        yield look.refuse(key, f"{number} is no port; the last one is {LAST_PORT}")
    elif (number, protocol) in look.place.taken:
        whose = "its proxy" if (number, protocol) in PROXY_PORTS else "the node itself"
        yield look.refuse(
            key,
            f"the node can't give port {number}/{protocol}: {whose} has it",
            blame="cc-ci",
            remedy="leave the port to the operator, in a compose file of its own",
        )
    elif not look.place.private:
        what = f"opens port {number}/{protocol} on a server that is not cc-ci's own"
        yield look.needs(f"port:{number}/{protocol}", key, what)


def published_twice(look: Look) -> Iterator[Refusal]:
    """Two services can't have one port of a node."""
    owners: dict[tuple[int, str], str] = {}
    for service in look.stack.services.values():
        for port in service.ports:
            if not port.published:
                continue
            one = (port.published, port.protocol.lower())
            first = owners.setdefault(one, service.name)
            if first != service.name:
                key = f"services.{service.name}.ports.{one[0]}"
                yield look.refuse(key, f"service {first} publishes port {one[0]}/{one[1]}, too")
