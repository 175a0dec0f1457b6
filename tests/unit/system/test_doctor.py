import msgspec
import pytest

from cc_ci.system.doctor import NEEDED, Check, judge, suffices
from cc_ci.system.machine import Machine, Tool

GOOD = Machine(
    system="Debian GNU/Linux 13 (trixie)",
    kernel="6.12",
    python="3.13.5",
    root=True,
    cpus=4,
    memory_bytes=8 * 10**9,
    disk_free_bytes=50 * 10**9,
    disk_path="/var/lib",
    tools={name: Tool(path=f"/usr/bin/{name}", version="28.5.2") for name in (*NEEDED, "dockerd", "abra")},
    docker_clients=(Tool(path="/usr/bin/docker", version="26.1.5"),),
    browser=Tool(path="/usr/bin/chromium", version="150.0"),
    cgroup="v2",
    controllers=frozenset({"cpu", "memory", "io"}),
    ipvs=True,
    overlay=True,
    psi=True,
    user_namespaces=True,
)


def without(*names: str) -> Machine:
    tools = {name: tool for name, tool in GOOD.tools.items() if name not in names}
    return msgspec.structs.replace(GOOD, tools=tools)


def check(machine: Machine, name: str) -> Check:
    return next(check for check in judge(machine) if check.name == name)


def test_a_good_machine_has_nothing_to_mend() -> None:
    checks = judge(GOOD)
    assert {(check.verdict, check.mend) for check in checks} == {("ok", None)}
    assert suffices(checks)


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_a_needed_tool_that_is_missing_is_named_with_its_purpose(name: str) -> None:
    found = check(without(name), name)
    assert (found.verdict, found.found) == ("missing", "none")
    assert found.mend == f"run `make setup`; for: {NEEDED[name]}"
    assert not suffices(judge(without(name)))


@pytest.mark.parametrize(
    ("change", "name", "verdict", "mend"),
    [
        ({"root": False}, "root", "limited", "--node"),
        ({"cpus": 1}, "cpus", "limited", "slowly"),
        ({"memory_bytes": 10**9}, "memory", "missing", "not enough"),
        ({"memory_bytes": 2 * 10**9}, "memory", "limited", "small recipes"),
        ({"disk_free_bytes": 10**9}, "disk", "missing", "not enough"),
        ({"docker_clients": ()}, "docker client", "missing", "make setup"),
        (
            {"docker_clients": (Tool(path="/usr/bin/docker", version="20.10.24"),)},
            "docker client",
            "limited",
            "stack",
        ),
        ({"docker_clients": (Tool(path="/usr/bin/docker"),)}, "docker client", "limited", "stack config"),
        ({"browser": None}, "browser", "missing", "google-chrome"),
        ({"browser": Tool(path="/snap/bin/chromium")}, "browser", "missing", "snap"),
        ({"controllers": frozenset({"cpu"})}, "cgroup", "limited", "no memory controller"),
        ({"ipvs": False}, "ipvs", "limited", "host ports"),
        ({"overlay": False}, "overlay file system", "limited", "slow"),
        ({"psi": False}, "pressure (psi)", "limited", "null"),
        ({"user_namespaces": False}, "user namespaces", "limited", "sandbox"),
    ],
)
def test_each_fact_is_judged(change: dict[str, object], name: str, verdict: str, mend: str) -> None:
    machine = msgspec.structs.replace(GOOD, **change)
    found = check(machine, name)
    assert found.verdict == verdict
    assert mend in (found.mend or "")
    assert suffices(judge(machine)) == (verdict != "missing")


@pytest.mark.parametrize(
    ("version", "verdict"),
    [("19.3.1", "limited"), ("27.5.1", "limited"), ("28.2.2", "ok")],
)
def test_the_engine_is_judged_by_its_version(version: str, verdict: str) -> None:
    tools = {**GOOD.tools, "dockerd": Tool(path="/usr/sbin/dockerd", version=version)}
    assert check(msgspec.structs.replace(GOOD, tools=tools), "engine").verdict == verdict


def test_without_an_engine_nothing_works() -> None:
    assert check(without("dockerd"), "engine").mend == "run `make setup`: it installs docker.io"
    assert not suffices(judge(without("dockerd")))


def test_abra_is_not_needed() -> None:
    assert check(without("abra"), "abra").verdict == "limited"
    assert suffices(judge(without("abra")))
