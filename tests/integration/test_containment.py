"""What a recipe that got past all reading can do from inside a container of a service; attacks are real."""

import contextlib
import ctypes
import os
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cc_ci.engine.docker_engine import connect
from cc_ci.engine.node import Node
from cc_ci.lab import node as lab_node
from cc_ci.lab.builds import build, outdated
from cc_ci.lab.engine_daemons import OPEN_FILES
from cc_ci.lab.images import read_images, select
from cc_ci.lab.names import lead
from cc_ci.lab.node_records import record_of
from cc_ci.lab.places import places
from cc_ci.lab.run_proxy import RunProxy
from cc_ci.lab.workshop import workshop
from cc_ci.suite.own_network import entering
from cc_ci.system.clock import SystemClock
from cc_ci.system.process import LocalRunner, check
from cc_ci.system.waiting import wait_until

pytestmark = pytest.mark.integration

IMAGE = "nginx:1.22.1"
"""A Debian with bash and perl: what an attacker brings along."""
STACK = """
version: "3.8"
services:
  app:
    image: {image}
    command: ["sleep", "100000"]
    cap_add: ["SYS_ADMIN", "NET_ADMIN", "DAC_READ_SEARCH", "SYSLOG", "SYS_MODULE"]
    networks: ["internal"]
    deploy: {{endpoint_mode: dnsrr}}
networks:
  internal:
"""
CLONE_NEWNET = 0x40000000
REACHED = "reached"


class Service:
    """The one service of a stack on the node, and the ways into its container."""

    def __init__(self, node: Node, stack: str) -> None:
        self._node = node
        self.stack = stack
        self.container = ""

    def docker(self, *arguments: str, stdin: str | None = None, ok: bool = True) -> str:
        env = {"DOCKER_HOST": self._node.docker_host}
        completed = LocalRunner()(["docker", *arguments], env=env, stdin=stdin, timeout=120)
        return (check(completed) if ok else completed).stdout.strip()

    def deploy(self) -> None:
        self.docker("stack", "deploy", "--compose-file", "-", self.stack, stdin=STACK.format(image=IMAGE))
        self.container = wait_until(
            lambda: self.docker("ps", "--quiet", "--filter", f"name={self.stack}_app"),
            name=f"a container of {self.stack}",
            ready=bool,
            timeout=60,
            clock=SystemClock(),
        )

    def remove(self) -> None:
        """Other modules' tests count what is on the node, so nothing may go later."""
        self.docker("stack", "rm", self.stack)
        mine = ("--quiet", "--filter", f"label=com.docker.stack.namespace={self.stack}")
        wait_until(
            lambda: self.docker("ps", "--all", *mine) + self.docker("network", "ls", *mine),
            name=f"the end of {self.stack}",
            ready=lambda left: not left,
            timeout=60,
            clock=SystemClock(),
        )

    def does(self, script: str, *arguments: str, user: str = "0") -> str:
        """What a script in the container said."""
        argv = ("exec", "--user", user, self.container, "bash", "-c", script, "bash", *arguments)
        return self.docker(*argv, ok=False)

    def connects(self, address: str, port: int) -> bool:
        script = f'timeout 3 bash -c "echo > /dev/tcp/$1/$2" && echo {REACHED}'
        return self.does(script, address, str(port)) == REACHED

    def interface(self, number: int) -> str:
        """Address of one of its interfaces: 0 is that of its own network, 1 that of the way out."""
        return self.does(f"ip() {{ perl -MSocket -e '{LOCAL_ADDRESS}' eth{number}; }}; ip")


LOCAL_ADDRESS = (
    'socket(S, AF_INET, SOCK_DGRAM, 0); my $r = pack("Z16 x16", $ARGV[0]); ioctl(S, 0x8915, $r) or die; '
    "print inet_ntoa(substr($r, 20, 4))"
)


@pytest.fixture(scope="module")
def image() -> None:
    if not outdated(wanted := select(read_images(), [IMAGE])):
        return
    with workshop(runner=LocalRunner(), clock=SystemClock(), say=print) as builder:
        if due := outdated(wanted):
            build(due, builder=builder)


@pytest.fixture(scope="module")
def attacker(node: Node, image: None) -> Iterator[Service]:
    yield from deployed(node, "attacker")


@pytest.fixture(scope="module")
def victim(node: Node, image: None) -> Iterator[Service]:
    yield from deployed(node, "victim")


def deployed(node: Node, stack: str) -> Iterator[Service]:
    service = Service(node, stack)
    try:
        service.deploy()
        yield service
    finally:
        service.remove()


@contextlib.contextmanager
def listening(address: str, *, namespace: Path | None = None, port: int = 0) -> Iterator[int]:
    """Something that listens on this machine, or in a namespace of it; its port."""
    made: list[socket.socket] = []

    def make() -> None:
        if namespace:
            with namespace.open() as entry:
                assert ctypes.CDLL(None, use_errno=True).setns(entry.fileno(), CLONE_NEWNET) == 0
        made.append(socket.create_server((address, port)))

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    with made[0] as server:
        yield server.getsockname()[1]


@contextlib.contextmanager
def machine_address(address: str) -> Iterator[str]:
    """An address that this machine has for a moment, on an interface of the test's own."""
    name = f"ccm{os.getpid()}"
    subprocess.run(["ip", "link", "add", name, "type", "bridge"], check=True)
    try:
        subprocess.run(["ip", "address", "add", f"{address}/32", "dev", name], check=True)
        subprocess.run(["ip", "link", "set", name, "up"], check=True)
        yield address
    finally:
        subprocess.run(["ip", "link", "delete", name], check=True)


def addresses(node: Node) -> Any:
    record = record_of(places(node.name))
    assert record is not None
    return record.addresses


# the kernel


@pytest.mark.attack(
    what="A container mounts a control group's tree with cap_add, to run a program as root by release_agent.",
    before="The tree was mounted, and every control group of the machine could be written.",
    now="The mount is refused: root in a container is nobody on the machine.",
    layer="engine",
)
@pytest.mark.parametrize("tree", ["cgroup -o memory", "cgroup -o rdma", "cgroup2"])
def test_no_tree_of_control_groups_is_mounted(attacker: Service, tree: str) -> None:
    assert attacker.does(f"mkdir -p /tmp/groups; mount -t {tree} none /tmp/groups && echo {REACHED}") == ""


@pytest.mark.attack(
    what="A container makes a device node for the machine's disk with cap_add, and reads it.",
    before="The device node was made; only the device control group kept it from being opened.",
    now="The device node can't be made.",
    layer="engine",
)
def test_no_device_is_made(attacker: Service) -> None:
    disk = Path("/").stat().st_dev
    made = attacker.does(f"mknod /tmp/disk b {os.major(disk)} {os.minor(disk)} && echo {REACHED}")
    assert made.splitlines()[-1:] != [REACHED]


@pytest.mark.attack(
    what="A container makes /proc/sys writable with cap_add and sets core_pattern, which the kernel runs.",
    before="/proc/sys could be remounted and written.",
    now="/proc/sys stays read-only.",
    layer="engine",
)
def test_no_setting_of_the_kernel_is_changed(attacker: Service) -> None:
    writable = "umount /proc/sys; mount -o remount,rw /proc/sys"
    written = f"echo core > /proc/sys/kernel/core_pattern && echo {REACHED}"
    assert attacker.does(f"{writable}; {written}") == ""


@pytest.mark.attack(
    what="A container reads the kernel's log and loads a kernel module, with cap_add.",
    before="The log could be read, and the module was refused only because it was malformed.",
    now="Both calls are refused.",
    layer="engine",
)
@pytest.mark.parametrize(
    "call", ["syscall(103, 3, $b, 4096)", "syscall(175, $b, 4096, $b)"], ids=["log", "module"]
)
def test_no_call_reaches_the_machine_s_kernel(attacker: Service, call: str) -> None:
    script = f'$b = "x" x 4096; print {call} >= 0 ? "{REACHED}" : $!'
    # a kernel without modules has not even the call
    assert attacker.does(f"perl -e '{script}'") in {"Operation not permitted", "Function not implemented"}


@pytest.mark.attack(
    what="A container's root opens a file of the machine by its handle (open_by_handle_at).",
    before="With DAC_READ_SEARCH it could read every file of the machine.",
    now="The call is refused.",
    layer="engine",
)
def test_no_file_is_opened_by_its_handle(attacker: Service) -> None:
    # inode 2 is the root folder of ext4
    script = (
        'open(F, "<", "/etc/hosts"); my $h = pack("IiQ", 8, 1, 2); '
        f'my $fd = syscall(304, fileno(F), $h, 0); print $fd >= 0 ? "{REACHED}" : "$!"'
    )
    assert "not permitted" in attacker.does(f"perl -e '{script}'")


@pytest.mark.attack(
    what="An ordinary user in a container becomes root there through a setuid program.",
    before="The user became root.",
    now="No program gives more rights than its caller has.",
    layer="engine",
)
def test_a_setuid_program_gives_no_right(attacker: Service) -> None:
    attacker.does("cp /usr/bin/perl /usr/local/bin/p; chmod 4755 /usr/local/bin/p")
    assert attacker.does("/usr/local/bin/p -e 'print $>'", user="1000") == "1000"


def test_what_the_engine_sets_holds_for_services(attacker: Service) -> None:
    status = attacker.does("cat /proc/1/status").splitlines()
    assert {"Seccomp:\t2", "NoNewPrivs:\t1"} <= set(status)
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert attacker.does("ulimit -c") == "0"
    assert attacker.does("ulimit -n") == str(min(OPEN_FILES, hard))


# the machine


@pytest.mark.attack(
    what="A container connects to a service on the machine's end of the link to the node.",
    before="It was connected.",
    now="The connection is refused.",
    layer="engine",
)
def test_the_machine_s_end_of_the_link_is_closed(attacker: Service, node: Node) -> None:
    host = addresses(node).host
    with listening(host) as port:
        assert not attacker.connects(host, port)


@pytest.mark.attack(
    what="A container uses the node's internet access to reach a service on another address of the machine.",
    before="slirp4netns connected it.",
    now="The connection is refused.",
    layer="engine",
)
@pytest.mark.parametrize("address", ["198.18.77.9", "8.99.7.5"], ids=["private", "public"])
def test_no_address_of_the_machine_answers(attacker: Service, node: Node, address: str) -> None:
    with machine_address(address), listening(address) as port:
        # as a run does first: the machine has an address that it had not when the node came up
        lab_node.load(node.name)
        assert not attacker.connects(address, port)


@pytest.mark.attack(
    what="A container asks the cloud's metadata service at 169.254.169.254 for credentials.",
    before="slirp4netns connected it.",
    now="The connection is refused.",
    layer="engine",
)
def test_link_local_addresses_are_closed(attacker: Service) -> None:
    with machine_address("169.254.169.254") as address, listening(address, port=80):
        assert not attacker.connects(address, 80)


@pytest.mark.attack(
    what="A log driver with the machine's address makes the engine itself connect to the machine.",
    before="The engine connected and sent the app's output there.",
    now="The connection is refused, and the container does not start.",
    layer="engine",
)
def test_the_engine_connects_to_no_address_of_the_machine(attacker: Service, node: Node) -> None:
    host = addresses(node).host
    with listening(host) as port:
        log = ("--log-driver=syslog", f"--log-opt=syslog-address=tcp://{host}:{port}")
        assert attacker.docker("run", "--rm", *log, IMAGE, "echo", REACHED, ok=False) == ""


# the node


@pytest.mark.attack(
    what="A container connects to what listens in the node's namespace, such as a browser's debug port.",
    before="It was connected, on each address of the node.",
    now="The connection is refused.",
    layer="engine",
)
def test_nothing_of_the_node_s_own_answers(attacker: Service, node: Node) -> None:
    gateway = attacker.does("awk '$2 == \"00000000\" {print $3}' /proc/net/route")
    gateway = ".".join(str(part) for part in reversed(bytes.fromhex(gateway)))
    with listening("0.0.0.0", namespace=node.network_namespace) as port:  # noqa: S104 - as a careless suite
        for address in (gateway, node.address, addresses(node).uplink):
            assert not attacker.connects(address, port), address


@pytest.mark.attack(
    what="A container connects to something that a suite listens on, in the suite's own network.",
    before="The suite was in the node's namespace, where the connection was refused too.",
    now="The connection is refused.",
    layer="engine",
)
def test_nothing_of_a_suite_answers(attacker: Service, node: Node) -> None:
    assert node.network_namespace
    listens = (
        "import socket, sys; s = socket.create_server(('0.0.0.0', 0)); "
        "d = socket.socket(type=socket.SOCK_DGRAM); d.connect((sys.argv[1], 9)); "
        "print(d.getsockname()[0], s.getsockname()[1], flush=True); sys.stdin.read()"
    )
    here = addresses(node).node
    argv = [*entering(node.network_namespace, (here,)), sys.executable, "-c", listens, here]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as suite:
        assert suite.stdout
        address, port = suite.stdout.readline().split()
        assert not attacker.connects(address, int(port))
        suite.communicate("")


@pytest.mark.attack(
    what="A container pulls from and pushes to the lab's registry.",
    before="The registry answered.",
    now="The connection is refused: images come only through the engine.",
    layer="engine",
)
def test_the_registry_is_the_engine_s_alone(attacker: Service, node: Node) -> None:
    for address in addresses(node).upstreams[:3]:
        assert not attacker.connects(address, 443)


def test_names_and_the_proxy_are_in_reach(attacker: Service, node: Node) -> None:
    runner = LocalRunner()
    engine = connect(node, runner)
    proxy = RunProxy(node, engine, runner, labels={"cc-ci.run": "reach"}, clock=SystemClock())
    try:
        own = proxy.start()
        lead(own, "some-app.ci.test")
        assert attacker.connects(addresses(node).node, 53)
        assert attacker.does("getent hosts some-app.ci.test").startswith(own.address)
        assert attacker.connects(own.address, 443)
    finally:
        proxy.remove()


# other runs


@pytest.mark.attack(
    what="A container connects to another run's app, on its network and on the bridge that all share.",
    before="The engine's own rules kept them apart.",
    now="They are kept apart, below IP as well.",
    layer="engine",
)
def test_networks_of_two_runs_are_apart(attacker: Service, victim: Service) -> None:
    victim.docker("exec", "--detach", victim.container, "nginx", "-g", "daemon off;")
    assert (
        victim.does("for i in {1..50}; do (echo > /dev/tcp/127.0.0.1/80) && break; sleep 0.1; done; echo $?")
        == "0"
    )
    for number in (0, 1):
        assert not attacker.connects(victim.interface(number), 80)
    assert attacker.does("getent hosts victim_app") == ""


@pytest.mark.attack(
    what="A container asks by ARP for another run's container on the shared bridge, to take its address.",
    before="The other container answered.",
    now="No frame gets from one container to another there.",
    layer="engine",
)
def test_no_frame_gets_across_the_shared_bridge(attacker: Service, victim: Service) -> None:
    attacker.does(f"timeout 2 bash -c 'echo > /dev/tcp/{victim.interface(1)}/9'")
    neighbours = attacker.does("cat /proc/net/arp")
    line = next(line for line in neighbours.splitlines() if line.startswith(victim.interface(1) + " "))
    assert " 00:00:00:00:00:00 " in line


@pytest.mark.attack(
    what="A container sends a frame into another run's network: it sends VXLAN to Swarm's port.",
    before="The frame arrived in the other run's container.",
    now="The port is closed to containers.",
    layer="engine",
)
def test_no_frame_is_sent_into_another_run_s_network(attacker: Service, victim: Service, node: Node) -> None:
    target, mac = victim.interface(0), victim.does("cat /sys/class/net/eth0/address")
    form = '{{index .Options "com.docker.network.driver.overlay.vxlanid_list"}}'
    number = int(victim.docker("network", "inspect", "--format", form, "victim_internal"))
    receive = (
        "use IO::Socket::INET; $s = IO::Socket::INET->new(LocalPort => 9999, Proto => q(udp)) or die; "
        "open(R, q(>), q(/tmp/ready)); close R; $SIG{ALRM} = sub { exit 1 }; alarm 5; "
        "$s->recv($d, 99); print $d"
    )
    with subprocess.Popen(
        ["docker", "exec", victim.container, "perl", "-e", receive],
        env={**os.environ, "DOCKER_HOST": node.docker_host},
        stdout=subprocess.PIPE,
    ) as waiting:
        victim.does("until [ -e /tmp/ready ]; do sleep 0.05; done; rm /tmp/ready")
        frame = vxlan(number, mac=mac, to=target, data=REACHED.encode())
        for address in (addresses(node).node, node.address):
            open_ = f'IO::Socket::INET->new(PeerAddr => "{address}:4789", Proto => "udp")'
            attacker.does(f"perl -MIO::Socket::INET -e '{open_}->send(pack(q(H*), q({frame.hex()})))'")
        assert waiting.communicate()[0] == b""


def vxlan(number: int, *, mac: str, to: str, data: bytes) -> bytes:
    """A datagram in an Ethernet frame in VXLAN, from an address of nobody's in the same network."""
    there = socket.inet_aton(to)
    udp = (9).to_bytes(2) + (9999).to_bytes(2) + (8 + len(data)).to_bytes(2) + b"\0\0" + data
    head = bytes.fromhex("4500") + (20 + len(udp)).to_bytes(2) + bytes.fromhex("0000000040110000")
    ip = head + there[:3] + b"\xfd" + there
    total = sum(int.from_bytes(ip[at : at + 2]) for at in range(0, 20, 2))
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    ip = ip[:10] + checksum.to_bytes(2) + ip[12:]
    ethernet = bytes.fromhex(mac.replace(":", "")) + bytes.fromhex("02429999990108 00".replace(" ", ""))
    return b"\x08\0\0\0" + number.to_bytes(3) + b"\0" + ethernet + ip + udp
