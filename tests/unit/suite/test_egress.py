import json
from pathlib import Path

from cc_ci.suite.egress import bridge_networks, close_egress, nameservers, rules
from cc_ci.system.process import ScriptedRunner

ENTER = ("nsenter", "--net=/run/netns/lab", "--", "ip")
LISTING = json.dumps(
    [
        {"ifname": "docker0", "addr_info": [{"family": "inet", "local": "172.17.0.1", "prefixlen": 16}]},
        {},
        {
            "ifname": "docker_gwbridge",
            "addr_info": [{"family": "inet", "local": "172.18.0.1", "prefixlen": 16}],
        },
    ]
)


def close(runner: ScriptedRunner) -> str | None:
    return close_egress(Path("/run/netns/lab"), resolver="nameserver 10.0.2.3\n", runner=runner)


def test_bridges_and_the_resolver_stay_open_and_then_nothing() -> None:
    runner = ScriptedRunner().on(*ENTER, "-j", stdout=LISTING).on(*ENTER)
    assert close(runner) is None
    added = [" ".join(call[len(ENTER) :]) for call in runner.calls[1:]]
    uids = "uidrange 1900000000-1904194304"
    assert added == [
        f"-4 rule add priority 100 {uids} to 172.17.0.0/16 lookup main",
        f"-4 rule add priority 100 {uids} to 172.18.0.0/16 lookup main",
        f"-4 rule add priority 100 {uids} to 10.0.2.3 lookup main",
        f"-4 rule add priority 101 {uids} prohibit",
        f"-6 rule add priority 101 {uids} prohibit",
    ]


def test_rules_that_are_there_already_are_as_good() -> None:
    again = ScriptedRunner().on(*ENTER, "-j", stdout=LISTING)
    again.on(*ENTER, returncode=2, stderr="RTNETLINK answers: File exists")
    assert close(again) is None
    assert len(again.calls) == 6


def test_a_kernel_without_such_rules_is_warned_of() -> None:
    old = ScriptedRunner().on(*ENTER, "-j", stdout=LISTING)
    old.on(*ENTER, returncode=2, stderr="RTNETLINK answers: Operation not supported")
    assert "can reach networks outside the node" in (close(old) or "")
    assert "Operation not supported" in (close(old) or "")


def test_no_bridge_leaves_the_two_prohibitions() -> None:
    assert [rule[-1] for rule in rules(allowed=bridge_networks(""))] == ["prohibit", "prohibit"]


def test_only_ipv4_servers_are_let_through() -> None:
    assert nameservers("search x\nnameserver ::1\n# nameserver 1.1.1.1\nnameserver 127.0.0.11\n") == (
        "127.0.0.11",
    )
