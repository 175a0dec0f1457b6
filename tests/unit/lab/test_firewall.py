"""Which rules a node's firewall has; that they hold is shown by containers, in tests/integration."""

import json

from cc_ci.lab.addresses import choose
from cc_ci.lab.firewall import (
    FORWARD,
    IN,
    JUMPS,
    NOT_THE_WORLD,
    OUT,
    Closed,
    frame_rules,
    machine_addresses,
    restore_text,
    rules,
    rules_6,
)

ADDRESSES = choose([])
CLOSED = Closed(addresses=ADDRESSES, machine=("203.0.113.7",), private_images=False)


def lines(chain: str, *, closed: Closed = CLOSED) -> list[str]:
    return [" ".join(rule) for rule in rules(closed)[chain]]


def test_containers_reach_names_and_proxies_of_the_node_and_nothing_else_there() -> None:
    opened = [line for line in lines(IN) if line.startswith("-d ")]
    assert [line.split("--dport ")[1] for line in opened] == [
        "53 -j RETURN",
        "53 -j RETURN",
        "80 -j RETURN",
        "443 -j RETURN",
    ]
    assert lines(IN)[-1] == "-j REJECT"


def test_what_a_proxy_opens_is_refused_before_anything_is_let_in() -> None:
    for chain in (IN, FORWARD):
        answers, *refusals = lines(chain)[:3]
        assert answers.endswith("ESTABLISHED,RELATED -j RETURN")
        assert refusals == [
            "-i ccproxies -p tcp -j REJECT --reject-with tcp-reset",
            "-i ccproxies -j REJECT",
        ]


def test_no_private_network_and_no_address_of_the_machine_is_the_world() -> None:
    for network in ("203.0.113.7", *NOT_THE_WORLD):
        assert f"-o tap0 -d {network} -j REJECT" in lines(FORWARD)
    assert "-o host0 -j REJECT" in lines(FORWARD)
    assert "-o ccs+ -j REJECT" in lines(FORWARD)
    assert "-o uplink0 -j REJECT" in lines(FORWARD)


def test_an_engine_that_pulls_from_a_private_registry_still_opens_nothing_of_the_machine() -> None:
    hub = Closed(addresses=ADDRESSES, machine=("10.9.8.7",), private_images=True)
    assert "-o tap0 -d 10.0.0.0/8 -j REJECT" not in lines(OUT, closed=hub)
    assert "-o tap0 -d 10.0.0.0/8 -j REJECT" in lines(OUT)
    assert "-o tap0 -d 10.0.0.0/8 -j REJECT" in lines(FORWARD, closed=hub)
    for network in ("10.9.8.7", "169.254.0.0/16", "10.0.2.0/24"):
        assert f"-o tap0 -d {network} -j REJECT" in lines(OUT, closed=hub)


def test_the_resolver_stays_open_before_its_network_is_closed() -> None:
    out = lines(OUT)
    resolver = next(at for at, line in enumerate(out) if "10.0.2.3" in line and line.endswith("RETURN"))
    assert resolver < out.index("-o tap0 -d 10.0.0.0/8 -j REJECT")


def test_a_first_text_makes_the_chains_and_jumps_to_them() -> None:
    text = restore_text(rules(CLOSED), saved=":INPUT ACCEPT [0:0]\n").splitlines()
    assert text[0] == "*filter"
    assert text[-1] == "COMMIT"
    assert ":DOCKER-USER - [0:0]" in text
    for chain, ours in JUMPS.items():
        assert f":{ours} - [0:0]" in text
        assert f"-I {chain} 1 -j {ours}" in text


def test_a_second_text_leaves_what_is_the_engine_s() -> None:
    saved = "\n".join([":DOCKER-USER - [0:0]", *(f"-A {chain} -j {ours}" for chain, ours in JUMPS.items())])
    text = restore_text(rules_6(), saved=saved)
    assert "DOCKER-USER" not in text
    assert "-I " not in text
    assert f"-A {IN} -j REJECT" in text


def test_addresses_of_the_machine_are_those_of_all_its_interfaces_but_loopback() -> None:
    shown = [
        {"ifname": "lo", "addr_info": [{"family": "inet", "local": "127.0.0.1"}]},
        {
            "ifname": "eth0",
            "addr_info": [{"family": "inet", "local": "198.51.100.2"}, {"family": "inet6", "local": "::2"}],
        },
        {"ifname": "down0", "addr_info": []},
    ]
    assert machine_addresses(json.dumps(shown)) == ("198.51.100.2",)
    assert machine_addresses("") == ()


def test_frames_are_dropped_by_what_they_carry() -> None:
    kinds = [rule[1] for rule in frame_rules("10.1.0.0/24")]
    assert kinds == ["IPv4", "ARP", "ARP"]
