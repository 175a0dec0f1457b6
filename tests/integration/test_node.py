"""The private node: what it is, what it survives, and what it leaves alone."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from nodes_of_tests import engine, wanted

from cc_ci.engine.docker_engine import connect
from cc_ci.isolation.leases import Keeper
from cc_ci.lab import images
from cc_ci.lab.cgroups import NodeGroup
from cc_ci.lab.engine_roots import named
from cc_ci.lab.names import lead
from cc_ci.lab.node import PrivateNode
from cc_ci.lab.node_records import SYSTEM, Wanted
from cc_ci.system.clock import SystemClock
from cc_ci.system.identity import Identity
from cc_ci.system.process import LocalRunner, check
from cc_ci.system.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("busybox")]

OWN_THINGS = ("/etc/resolv.conf", "/etc/hosts", "/proc/sys/net/ipv4/ip_forward")


def run(*argv: str, env: dict[str, str] | None = None, ok: bool = True) -> str:
    completed = LocalRunner()(argv, env=env, timeout=120)
    return (check(completed) if ok else completed).stdout.strip()


def machine() -> dict[str, Any]:
    """What a node must leave as it was: mounts, links, namespaces, groups, firewall and the user's files."""
    tables = ["nft", "list", "ruleset"] if shutil.which("nft") else ["iptables-save"]
    return {
        "mounts": sorted(line for line in run("mount").splitlines() if "itn" in line),
        "namespaces": sorted(str(path) for path in Path("/run/netns").glob("*itn*")),
        "groups": sorted(map(str, Path("/sys/fs/cgroup").glob("*/cc-ci/itn*"))),
        "firewall": [line for line in run(*tables, ok=False).splitlines() if not line.startswith("#")],
        "files": {path: Path(path).read_text() for path in OWN_THINGS},
        "engine": [path for path in ("/run/docker.sock", "/var/lib/docker/volumes") if Path(path).exists()],
        "docker0": Path("/sys/class/net/docker0").exists(),
    }


def small() -> Wanted:
    return wanted(cpus=1.5, memory_bytes=1 << 30, bandwidth="200mbit")


class Lab:
    """One node under test and ways to look at it."""

    def __init__(self, name: str) -> None:
        self.node = PrivateNode(name)

    def docker(self, *arguments: str, ok: bool = True) -> str:
        return run("docker", *arguments, env={"DOCKER_HOST": f"unix://{self.node.places.socket}"}, ok=ok)

    def pids(self) -> dict[str, int | None]:
        status = self.node.status()
        assert status is not None
        return dict(status.processes)

    def kill(self, name: str) -> None:
        """Kill one daemon of the node as nobody should."""
        record = self.node.places.runtime / f"{name}.process.json"
        os.kill(msgspec.json.decode(record.read_bytes(), type=Identity).pid, signal.SIGKILL)

    def serves(self) -> bool:
        """A Swarm service runs again."""
        return "Running" in self.docker("service", "ps", "kept", "--format", "{{.CurrentState}}", ok=False)


@pytest.fixture(scope="module")
def untouched() -> dict[str, Any]:
    return machine()


@pytest.fixture(scope="module")
def lab(untouched: dict[str, Any]) -> Iterator[Lab]:
    assert untouched
    lab = Lab("itn1")
    lab.node.forget()
    lab.node.up(small())
    yield lab
    lab.node.forget()


@pytest.fixture(scope="module")
def service(lab: Lab) -> None:
    lab.docker("service", "create", "--name", "kept", "--detach", "busybox:1.35.0", "sleep", "100000")
    await_service(lab)


def await_service(lab: Lab) -> None:
    wait_until(
        lab.serves, name="the service", ready=lambda runs: runs, timeout=60, clock=SystemClock(), interval=0.5
    )


def test_a_second_up_changes_nothing(lab: Lab) -> None:
    before = lab.pids()
    lab.node.up()
    assert lab.pids() == before
    assert None not in before.values()


def test_its_engine_is_the_one_asked_for_and_told_by_all_its_parts(lab: Lab) -> None:
    status = lab.node.status()
    assert status is not None
    assert status.facts is not None
    assert status.record.wanted.engine == engine()
    if engine() != SYSTEM:
        assert status.facts.version.startswith(named(engine()).version)
    assert None not in (status.facts.containerd, status.facts.runc)
    assert status.facts.image_store == "overlay2"
    told = cc_ci("node", "status", "--name", "itn1").stdout
    assert f"{status.facts.version}, API {status.facts.api}" in told
    assert f"runc {status.facts.runc}, images in overlay2, cgroup v" in told


def test_an_old_client_is_taken_by_any_engine(lab: Lab) -> None:
    env = {"DOCKER_HOST": f"unix://{lab.node.places.socket}", "DOCKER_API_VERSION": "1.41"}
    assert run("docker", "version", "--format", "{{.Client.APIVersion}}", env=env) == "1.41"


def test_the_machine_is_left_as_it_was(lab: Lab, untouched: dict[str, Any]) -> None:
    assert lab.pids()
    now = machine()
    for key in ("firewall", "files", "engine", "docker0"):
        assert now[key] == untouched[key], key


def test_everything_is_inside_the_limits(lab: Lab) -> None:
    group = Path("/sys/fs/cgroup/memory/cc-ci/itn1")
    if not group.exists():
        pytest.skip("this machine has cgroup v2: its limits were never run")
    assert int((group / "memory.limit_in_bytes").read_text()) == 1 << 30
    assert int(Path("/sys/fs/cgroup/cpu/cc-ci/itn1/cpu.cfs_quota_us").read_text()) == 150_000
    dockerd = lab.pids()["dockerd"]
    assert "/cc-ci/itn1/engine" in Path(f"/proc/{dockerd}/cgroup").read_text()


def test_page_cache_counts_against_the_limit(lab: Lab) -> None:
    group = Path("/sys/fs/cgroup/memory/cc-ci/itn1")
    if not group.exists():
        pytest.skip("this machine has cgroup v2: its limits were never run")
    lab.node.up(msgspec.structs.replace(small(), memory_bytes=400 << 20))
    lab.docker("run", "--rm", "busybox:1.35.0", "dd", "if=/dev/zero", "of=/file", "bs=1M", "count=600")
    assert int((group / "memory.max_usage_in_bytes").read_text()) > 300 << 20
    assert int((group / "memory.usage_in_bytes").read_text()) <= 400 << 20
    lab.node.up(small())


def test_names_of_apps_are_led_inside_it_and_nowhere_outside(lab: Lab) -> None:
    assert "NXDOMAIN" in lab.docker("run", "--rm", "busybox:1.35.0", "nslookup", "some-app.ci.test", ok=False)
    led(lab, "some-app.ci.test", to="10.1.2.3")
    inside = lab.docker("run", "--rm", "busybox:1.35.0", "nslookup", "some-app.ci.test")
    assert "Address: 10.1.2.3" in inside
    assert run("getent", "hosts", "some-app.ci.test", ok=False) == ""


def led(lab: Lab, domain: str, *, to: str) -> None:
    names = lab.node.places.proxies / "129/names"
    names.mkdir(parents=True, exist_ok=True)
    lead(msgspec.structs.replace(lab.node.load(), names=names, address=to), domain)


def test_a_changed_domain_and_bandwidth_take_effect(lab: Lab) -> None:
    changed = msgspec.structs.replace(small(), ci_domain="other.test", bandwidth="50mbit")
    lab.node.up(changed)
    led(lab, "app.other.test", to="10.1.2.4")
    assert "10.1.2.4" in lab.docker("run", "--rm", "busybox:1.35.0", "nslookup", "app.other.test")
    enter = ("nsenter", f"--net={lab.node.places.upstream_namespace}", "tc", "qdisc", "show", "dev", "up0")
    assert "rate 50Mbit" in run(*enter)
    lab.node.up(small())
    assert "rate 200Mbit" in run(*enter)


def test_the_registry_takes_no_push_and_says_at_once_what_it_has_not(lab: Lab) -> None:
    lab.docker("tag", "busybox:1.35.0", "docker.io/library/mine:1")
    completed = LocalRunner()(
        ["docker", "push", "docker.io/library/mine:1"],
        env={"DOCKER_HOST": f"unix://{lab.node.places.socket}"},
        timeout=120,
    )
    assert not completed.ok
    pulled = LocalRunner()(
        ["docker", "pull", "ghcr.io/nobody/nothing:1"],
        env={"DOCKER_HOST": f"unix://{lab.node.places.socket}"},
        timeout=60,
    )
    assert "not found" in pulled.stderr or "unknown" in pulled.stderr


def test_a_recipe_that_binds_the_engine_s_socket_gets_the_node_s(lab: Lab) -> None:
    shown = lab.docker(
        "run", "--rm", "--volume=/var/run/docker.sock:/s", "busybox:1.35.0", "stat", "-c", "%i", "/s"
    )
    assert int(shown) == lab.node.places.app_socket.stat().st_ino


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("name", ["dockerd", "containerd"])
def test_a_killed_daemon_is_mended_and_services_run_again(lab: Lab, name: str) -> None:
    lab.kill(name)
    lab.node.up()
    await_service(lab)


@pytest.mark.usefixtures("service")
def test_a_stale_pidfile_is_no_hindrance(lab: Lab) -> None:
    lab.kill("dockerd")
    # a pid that is somebody's by now
    (lab.node.places.runtime / "dockerd.pid").write_text(str(os.getpid()))
    lab.node.up()
    await_service(lab)


@pytest.mark.usefixtures("service")
def test_a_reboot_leaves_its_data(lab: Lab) -> None:
    """As a boot leaves it: no process, namespace or link, no runtime folder; its data is there."""
    places = lab.node.places
    for pid in run("ip", "netns", "pids", places.upstream_namespace.name).split():
        os.kill(int(pid), signal.SIGKILL)
    NodeGroup(places.cgroup).kill()
    for namespace in (places.network_namespace, places.upstream_namespace):
        run("ip", "netns", "delete", namespace.name)
    for mounted in (
        places.mount_namespace.parent.iterdir()
    ):  # the node's, and its engine's where that is not the machine's
        run("umount", str(mounted))
    run("umount", str(places.mount_namespace.parent))
    shutil.rmtree(places.runtime)
    lab.node.up()
    await_service(lab)


def test_a_node_that_was_half_made_is_finished(lab: Lab) -> None:
    half = PrivateNode("itn2")
    half.forget()

    class Cut(BaseException):
        """Stands for whatever ends a command."""

    def stop_at_the_engine(line: str) -> None:
        if "dockerd" in line:
            raise Cut

    with pytest.raises(Cut):
        PrivateNode("itn2", say=stop_at_the_engine).up(small())
    assert half.up().address != lab.node.load().address
    half.forget()


def test_debian_s_own_client_brings_one_up(lab: Lab) -> None:
    lab.node.down()
    env = {**os.environ, "PATH": "/usr/bin:/usr/sbin:/bin:/sbin"}
    argv = [sys.executable, "-m", "cc_ci", "node", "up", "--name", "itn1"]
    told = subprocess.run(argv, env=env, capture_output=True, text=True, check=True)
    assert "up, at" in told.stderr
    assert lab.node.load().name == "itn1"


def test_down_takes_everything_along(untouched: dict[str, Any]) -> None:
    lab = Lab("itn2")
    lab.node.up(small())
    lab.node.down()
    lab.node.down()
    now = machine()
    assert [line for key in ("mounts", "namespaces", "groups") for line in now[key] if "itn2" in line] == []
    assert now["firewall"] == untouched["firewall"]
    lab.node.forget()
    assert not lab.node.places.state.exists()


def cc_ci(*arguments: str) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "-m", "cc_ci", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_a_removed_node_was_never_there() -> None:
    lab = Lab("itn2")
    lab.node.up(small())
    keeper = Keeper(connect(lab.node.load(), LocalRunner()), run="pocket-20260101-000000-abcd")
    keeper.take()
    refused = cc_ci("node", "rm", "itn2")
    assert refused.returncode == 2
    assert "pocket-20260101-000000-abcd is live on it" in refused.stderr
    keeper.give_back()
    removed = cc_ci("node", "rm", "itn2")
    assert removed.returncode == 0, removed.stderr
    now = machine()
    assert [line for key in ("mounts", "namespaces", "groups") for line in now[key] if "itn2" in line] == []
    left = [root.rglob("*itn2*") for root in (lab.node.places.state.parent, lab.node.places.runtime.parent)]
    assert [path for paths in left for path in paths] == []
    again = cc_ci("node", "rm", "itn2")
    assert again.returncode == 2
    assert "node itn2: not known; " in again.stderr


def test_a_loaded_image_of_a_new_registry_is_served_at_once(lab: Lab, tmp_path: Path) -> None:
    upstream = f"itn-{os.getpid()}.test"
    name = f"{upstream}/busybox:1"
    lab.docker("pull", "busybox:1.35.0")
    lab.docker("tag", "busybox:1.35.0", name)
    lab.docker("save", "--output", str(tmp_path / "saved.tar"), name)
    lab.docker("image", "rm", name)
    before = lab.pids()
    try:
        loaded = cc_ci("images", "load", str(tmp_path / "saved.tar"))
        assert loaded.returncode == 0, loaded.stderr
        assert f"node itn1: serves images of {upstream} from now on" in loaded.stderr
        lab.docker("pull", name)
        # the engine was left alone, and what was served keeps its address
        assert lab.pids()["dockerd"] == before["dockerd"]
        lab.docker("pull", "busybox:1.35.0")
    finally:
        shutil.rmtree(images.storage(upstream), ignore_errors=True)
        images.record_path(images.split(name)).unlink(missing_ok=True)


def test_a_node_of_another_state_folder_is_not_taken_for_one_s_own(lab: Lab, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "cc_ci", "node", "down", "--name", "itn1"]
    env = {**os.environ, "CC_CI_STATE": str(tmp_path)}
    refused = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert f"up with its data in {lab.node.places.state}" in refused.stderr
    assert lab.node.up_now
