"""What the node's small name server answers, packet by packet (RFC 1035)."""

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc_ci.lab.name_server import address_of, answer

A, AAAA, TXT = 1, 28, 16


def asked(name: str, kind: int = A, *, flags: int = 0x0100) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    return struct.pack(">6H", 7, flags, 1, 0, 0, 0) + labels + struct.pack(">2H", kind, 1)


def told(packet: bytes | None) -> tuple[int, str | None]:
    """The answer's code, and the address in it."""
    assert packet is not None
    number, flags, _, answers, _, _ = struct.unpack_from(">6H", packet)
    assert number == 7
    assert flags & 0x8000
    return flags & 15, ".".join(map(str, packet[-4:])) if answers else None


@pytest.fixture
def proxies(tmp_path: Path) -> Path:
    for number, domain in ((129, "app-1.ci.test"), (130, "app-2.ci.test")):
        names = tmp_path / str(number) / "names"
        names.mkdir(parents=True)
        (names / domain).write_text(f"10.1.0.{number}")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("app-1.ci.test", "10.1.0.129"),
        ("APP-2.ci.test", "10.1.0.130"),
        ("any.thing.app-2.ci.test", "10.1.0.130"),
        ("ci.test", None),
        ("app-3.ci.test", None),
        ("xapp-1.ci.test", None),
    ],
)
def test_a_domain_and_all_below_it_have_the_address_of_its_proxy(
    proxies: Path, name: str, address: str | None
) -> None:
    assert told(answer(asked(name), lambda name: address_of(name, proxies))) == (0 if address else 3, address)


@pytest.mark.attack(
    what="A container asks for a name that is a path or a pattern: `*.names`, `../129`.",
    before="All names of the CI domain led to the one proxy.",
    now="It is not a valid host name, so it does not resolve.",
    layer="input",
)
@pytest.mark.parametrize("name", ["*", "../129/names/app-1", "[a]pp-1", "app-1?ci?test"])
def test_no_name_is_a_pattern_or_a_path(proxies: Path, name: str) -> None:
    assert address_of(name, proxies) is None


def test_a_name_has_no_other_kind_of_address_and_is_there_all_the_same(proxies: Path) -> None:
    for kind in (AAAA, TXT):
        said = answer(asked("app-1.ci.test", kind), lambda name: address_of(name, proxies))
        assert told(said) == (0, None)


def test_a_name_is_gone_with_its_file(proxies: Path) -> None:
    (proxies / "129/names/app-1.ci.test").unlink()
    assert address_of("app-1.ci.test", proxies) is None


def test_an_answer_is_not_answered() -> None:
    assert answer(asked("a.ci.test", flags=0x8000), lambda _name: "10.1.0.129") is None


def test_what_is_no_lookup_is_not_done() -> None:
    assert told(answer(asked("a.ci.test", flags=0x2800), lambda _name: "10.1.0.129")) == (4, None)


@given(st.binary(max_size=80), st.integers(0, 60))
def test_no_packet_brings_it_down(noise: bytes, cut: int) -> None:
    for packet in (noise, asked("a.ci.test")[:cut], asked("a.ci.test")[:12] + noise):
        answer(packet, lambda _name: "10.1.0.129")
