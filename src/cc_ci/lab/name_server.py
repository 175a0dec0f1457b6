"""A small name server for the node: a run's domain, and all below it, has the address of the run's proxy.

It looks a name up in files as it is asked, so that a name is there the moment that its file is, and gone with
it: nothing has to be told, loaded again or waited for.
"""

import socket
import struct
from collections.abc import Callable
from pathlib import Path

from cc_ci.errors import StageFailed
from cc_ci.lab.hosts import host_name

PORT = 5399
"""On the node's loopback; dnsmasq asks here for all names of the CI domain."""
HEADER = struct.Struct(">HHHHHH")
QUESTION = struct.Struct(">HH")
ANSWER = struct.Struct(">HHHIH4s")
POINTER_TO_QUESTION = 0xC000 | HEADER.size
A, IN = 1, 1
RESPONSE, AUTHORITATIVE, RECURSION_DESIRED = 0x8000, 0x0400, 0x0100
OPCODE = 0x7800
FORMAT_ERROR, NO_SUCH_NAME, NOT_IMPLEMENTED = 1, 3, 4
LONGEST = 512
"""Of a question over UDP; what follows the question in it is not looked at."""

Lookup = Callable[[str], str | None]


def address_of(name: str, proxies: Path) -> str | None:
    """The address that `name`, or what it is below, leads to; None if nobody has it."""
    try:
        labels = host_name(name).split(".")
    except StageFailed:
        return None
    # one look for all of them, however many labels somebody asks with
    led = {file.name: file for file in proxies.glob("*/names/*")}
    found = (led.get(".".join(labels[count:])) for count in range(len(labels)))
    file = next((one for one in found if one), None)
    try:
        return file.read_text().strip() if file else None
    except OSError:
        return None  # it went meanwhile


def answer(packet: bytes, lookup: Lookup) -> bytes | None:
    """The answer to a packet, None for what is no question."""
    if len(packet) < HEADER.size:
        return None
    number, flags, questions, *_ = HEADER.unpack_from(packet)
    if flags & RESPONSE:
        return None
    kept = RESPONSE | AUTHORITATIVE | flags & (OPCODE | RECURSION_DESIRED)
    if flags & OPCODE:
        return HEADER.pack(number, kept | NOT_IMPLEMENTED, 0, 0, 0, 0)
    asked = _question(packet) if questions == 1 else None
    if asked is None:
        return HEADER.pack(number, kept | FORMAT_ERROR, 0, 0, 0, 0)
    name, kind, question = asked
    address = lookup(name)
    answers = (_answer(address),) if address and kind == (A, IN) else ()
    code = 0 if address else NO_SUCH_NAME
    return HEADER.pack(number, kept | code, 1, len(answers), 0, 0) + question + b"".join(answers)


def _answer(address: str) -> bytes:
    # it holds for this moment only: with the run it is gone
    return ANSWER.pack(POINTER_TO_QUESTION, A, IN, 0, 4, socket.inet_aton(address))


def _question(packet: bytes) -> tuple[str, tuple[int, int], bytes] | None:
    """Name, (type, class) and the bytes of the one question, None if it is cut short or malformed."""
    labels, at = [], HEADER.size
    while at < len(packet) and (length := packet[at]):
        if length > 63:  # noqa: PLR2004 - a pointer; a question has none
            return None
        labels.append(packet[at + 1 : at + 1 + length])
        at += 1 + length
    end = at + 1 + QUESTION.size
    if end > len(packet):
        return None
    name = b".".join(labels).decode("ascii", errors="replace")
    kind, of_class = QUESTION.unpack_from(packet, at + 1)
    return name, (kind, of_class), packet[HEADER.size : end]


def serve(at: socket.socket, lookup: Lookup) -> None:
    """Answer what comes in, for ever."""
    while True:
        packet, asker = at.recvfrom(LONGEST)
        if said := answer(packet, lookup):
            at.sendto(said, asker)
