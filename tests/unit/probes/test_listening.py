"""Where a container listens, from the kernel's tables, and what a port label comes to."""

import os
import socket
from pathlib import Path

import pytest

from cc_ci.probes.listening import Listening, listening, told

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
EVERYWHERE = "   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0\n"
LOOPBACK = "   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0\n"
RESOLVER = "   2: 0B00007F:A6D5 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0\n"
TALKING = "   3: 0A00020F:0016 0A000202:C7A8 01 00000000:00000000 00:00000000 00000000     0\n"
SIX = "   0: 00000000000000000000000000000000:1BBB 0000:0000 0A 00000000:00000000\n"
SIX_LOOPBACK = "   1: 00000000000000000000000001000000:1BBC 0000:0000 0A 00000000:00000000\n"
MAPPED = "   2: 0000000000000000FFFF00000100007F:1BBD 0000:0000 0A 00000000:00000000\n"


ALONE = "is 8080, and the container listens there on its own loopback alone; let it listen on 0.0.0.0"


def write(folder: Path, *, tcp: str = "", tcp6: str = "") -> Path:
    (folder / "7" / "net").mkdir(parents=True)
    (folder / "7" / "net" / "tcp").write_text(HEAD + tcp)
    (folder / "7" / "net" / "tcp6").write_text(HEAD + tcp6)
    return folder


def test_ports_are_read_from_the_kernel_s_tables_without_the_engine_s_own(tmp_path: Path) -> None:
    proc = write(tmp_path, tcp=EVERYWHERE + LOOPBACK + RESOLVER + TALKING, tcp6=SIX + SIX_LOOPBACK + MAPPED)
    found = listening(7, proc=proc) or ()
    assert {str(one) for one in found} == {"80", "127.0.0.1:8080", "7099", "127.0.0.1:7100", "127.0.0.1:7101"}
    assert listening(8, proc=proc) is None


def test_a_port_that_is_open_to_all_and_on_loopback_is_open_to_all(tmp_path: Path) -> None:
    proc = write(tmp_path, tcp=LOOPBACK + LOOPBACK.replace("0100007F", "00000000"))
    assert listening(7, proc=proc) == (Listening(port=8080, alone=False),)


def test_one_s_own_sockets_are_seen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert Listening(port=server.getsockname()[1], alone=True) in (listening(os.getpid()) or ())


@pytest.mark.parametrize(
    ("port", "there", "said"),
    [
        (8080, ("80",), "is 8080, and the container listens at 80"),
        (8080, (), "is 8080, and the container listens at no port"),
        (None, ("80", "443"), "is not set, and the container listens at 80, 443"),
        (80, ("80",), "is 80, where the container listens: it breaks off, or speaks no plain http there"),
        (8080, ("127.0.0.1:8080",), ALONE),
    ],
)
def test_what_a_label_s_port_comes_to(port: int | None, there: tuple[str, ...], said: str) -> None:
    found = [Listening(port=int(one.rpartition(":")[2]), alone=":" in one) for one in there]
    assert told(port, found) == said
