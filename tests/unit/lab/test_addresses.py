import json
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cc_ci.errors import InfrastructureError
from cc_ci.lab.addresses import choose, link_of, taken_here
from cc_ci.system.process import ScriptedRunner

networks = st.builds(
    lambda address, prefix: IPv4Network((address, prefix), strict=False),
    st.integers(min_value=0, max_value=2**32 - 1),
    st.integers(min_value=9, max_value=32),
)


@given(taken=st.lists(networks, max_size=6))
def test_nothing_chosen_overlaps_what_is_taken_or_another_choice(taken: list[IPv4Network]) -> None:
    try:
        chosen = choose(taken)
    except InfrastructureError:
        return
    parts = [link_of(chosen.node), IPv4Network(chosen.bridges), IPv4Network(chosen.overlays)]
    assert not any(part.overlaps(other) for part in parts for other in taken)
    assert not any(a.overlaps(b) for a in parts for b in parts if a is not b)
    assert len({chosen.host, chosen.node, chosen.uplink, *chosen.upstreams}) == 63


def test_a_machine_inside_of_10_0_0_0_8_finds_others() -> None:
    chosen = choose([IPv4Network("10.0.0.0/8")])
    assert not IPv4Network("10.0.0.0/8").overlaps(link_of(chosen.node))


def test_where_everything_is_taken_it_is_said() -> None:
    everything = [IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
    with pytest.raises(InfrastructureError, match="`ip route` shows them"):
        choose(everything)


def test_routes_and_resolvers_count_and_a_vpn_s_halves_of_the_internet_do_not(tmp_path: Path) -> None:
    resolv = tmp_path / "resolv.conf"
    resolv.write_text("search example.org\nnameserver 10.213.0.53\nnameserver fd00::1\n")
    routes = [{"dst": text} for text in ("default", "0.0.0.0/1", "128.0.0.0/1", "192.0.2.0/24", "10.8.0.1")]
    runner = ScriptedRunner().on("ip", stdout=json.dumps(routes))
    assert {str(network) for network in taken_here(runner, resolv=resolv)} == {
        "192.0.2.0/24",
        "10.8.0.1/32",
        "10.213.0.53/32",
    }
