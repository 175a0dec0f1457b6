from pathlib import Path

from cc_ci.suite.egress import close_egress, nameservers
from cc_ci.system.process import ScriptedRunner

ENTER = ("nsenter", "--net=/run/netns/lab", "--", "ip")


def close(runner: ScriptedRunner) -> str | None:
    return close_egress(Path("/run/netns/lab"), resolver="nameserver 10.0.2.3\n", runner=runner)


def test_the_resolver_stays_open_and_then_nothing() -> None:
    runner = ScriptedRunner().on(*ENTER)
    assert close(runner) is None
    uids = "uidrange 1900000000-1904194304"
    assert [" ".join(call[len(ENTER) :]) for call in runner.calls] == [
        f"-4 rule add priority 100 {uids} to 10.0.2.3 lookup main",
        f"-4 rule add priority 101 {uids} prohibit",
        f"-6 rule add priority 101 {uids} prohibit",
    ]


def test_rules_that_are_there_already_are_as_good() -> None:
    again = ScriptedRunner().on(*ENTER, returncode=2, stderr="RTNETLINK answers: File exists")
    assert close(again) is None
    assert len(again.calls) == 3


def test_a_kernel_without_such_rules_is_warned_of() -> None:
    old = ScriptedRunner().on(*ENTER, returncode=2, stderr="RTNETLINK answers: Operation not supported")
    said = close(old) or ""
    assert said.startswith("suite: its tests can reach networks outside the node: ip -4 rule add")
    assert said.endswith("Operation not supported")


def test_only_ipv4_servers_are_let_through() -> None:
    assert nameservers("search x\nnameserver ::1\n# nameserver 1.1.1.1\nnameserver 127.0.0.11\n") == (
        "127.0.0.11",
    )
