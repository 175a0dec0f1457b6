from pathlib import Path

from cc_ci.suite.own_network import PREFIX, entering, nameservers

LONGEST_NAME = 15
"""Of an interface, by the kernel."""


def test_each_call_has_a_link_of_its_own_and_each_address_once() -> None:
    one, two = (tuple(entering(Path("/run/netns/lab"), ("10.1.0.2", "10.1.0.130", "10.1.0.2"))) for _ in "ab")
    assert one[:5] == ("unshare", "--net", "--", "sh", "-c")
    assert one[-4:] == (one[-4], "10.1.0.2", "10.1.0.130", "--")
    assert one[-4].startswith(PREFIX)
    assert len(one[-4]) <= LONGEST_NAME
    assert one[-4] != two[-4]


def test_only_ipv4_servers_are_let_through() -> None:
    assert nameservers("search x\nnameserver ::1\n# nameserver 1.1.1.1\nnameserver 127.0.0.11\n") == (
        "127.0.0.11",
    )
