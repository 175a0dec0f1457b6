"""Where a container listens, by what the kernel shows of its network; nothing is run in it."""

import ipaddress
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

PROC = Path("/proc")
LISTENS = "0A"
"""TCP_LISTEN in the kernel's tables."""
ENGINES_RESOLVER = ipaddress.ip_address("127.0.0.11")
"""Is in every container's network, and none of its own."""
MOST = 10
"""Ports in one line."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Listening(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """`alone`: at an address of the container's own loopback, where nobody else reaches it."""

    port: int
    alone: bool

    def __str__(self) -> str:
        return f"127.0.0.1:{self.port}" if self.alone else str(self.port)


def listening(pid: int, *, proc: Path = PROC) -> tuple[Listening, ...] | None:
    """All ports of TCP that somebody in the network of process `pid` listens at; None where it is gone."""
    try:
        tables = [(proc / str(pid) / "net" / name).read_text() for name in ("tcp", "tcp6")]
    except OSError:
        return None
    open_to = {address[1] for table in tables for address in _sockets(table) if not address[0].is_loopback}
    everything = {address[1] for table in tables for address in _sockets(table)}
    return tuple(sorted(Listening(port=port, alone=port not in open_to) for port in everything))


def _sockets(table: str) -> Iterator[tuple[Address, int]]:
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 3 and fields[3] == LISTENS:  # noqa: PLR2004 - number, own, other, state
            written, _, port = fields[1].partition(":")
            address = _address(written)
            if address != ENGINES_RESOLVER:
                yield address, int(port, 16)


def _address(written: str) -> Address:
    """The kernel writes words of four bytes in the machine's order, which is little-endian here."""
    words = bytes.fromhex(written)
    content = b"".join(words[at : at + 4][::-1] for at in range(0, len(words), 4))
    address = ipaddress.ip_address(content)
    return getattr(address, "ipv4_mapped", None) or address


def told(port: int | None, found: Iterable[Listening]) -> str:
    """What a label's `port` comes to, in words that follow its name."""
    there = tuple(found)
    named = "is not set" if port is None else f"is {port}"
    if any(one.port == port and not one.alone for one in there):
        return f"{named}, where the container listens: it breaks off, or speaks no plain http there"
    if any(one.port == port for one in there):
        return f"{named}, and the container listens there on its own loopback alone; let it listen on 0.0.0.0"
    some = ", ".join(map(str, there[:MOST])) or "no port"
    return f"{named}, and the container listens at {some}"
