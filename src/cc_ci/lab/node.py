"""The private node: brought up, taken down, asked for.

Every step of `up` finds out what is there and adds the rest, so it is also the mend for a stale pidfile,
a killed engine and a reboot.
"""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import filelock
import msgspec

from cc_ci.engine.argv import client_environment
from cc_ci.engine.node import Node
from cc_ci.errors import CommandFailed, InfrastructureError
from cc_ci.lab import addresses, engine_daemons, names, namespaces, proxy, upstream
from cc_ci.lab.addresses import Addresses
from cc_ci.lab.certificates import lab_authority
from cc_ci.lab.cgroups import Limits, NodeGroup
from cc_ci.lab.daemons import Daemon
from cc_ci.lab.places import places
from cc_ci.system.clock import Clock, SystemClock
from cc_ci.system.files import runtime_root, write_atomic
from cc_ci.system.process import Completed, LocalRunner, Runner, check
from cc_ci.system.units import Bytes, Seconds
from cc_ci.system.waiting import wait_until
from cc_ci.timing.io_counting import count_bytes

DEFAULT = "main"
BUILDER = "builder"
"""A node that only builds images: no proxy, no registry, and the real resolver for their names."""

ImagesFrom = Literal["standin", "hub"]
Say = Callable[[str], None]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a node was asked to be; kept, so that a later `up` without flags means the same."""

    cpus: float | None = None
    memory_bytes: Bytes | None = None
    bandwidth: str | None = None
    images: ImagesFrom = "standin"
    ci_domain: str = "ci.test"
    refresh: Seconds = proxy.STOCK_REFRESH
    throttle: Seconds = proxy.STOCK_THROTTLE


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a node between two commands."""

    name: str
    wanted: Wanted
    addresses: Addresses


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """One node as it is now; `up` when its engine runs."""

    name: str
    up: bool
    record: Record
    processes: Mapping[str, int | None]
    """Pid of each daemon, None for one that is gone."""
    socket: Path
    engine: str | None
    """The engine's version, None while it does not run."""
    ipvs: bool
    disk_bytes: Bytes


def quiet(_line: str) -> None:
    """Say nothing."""


class PrivateNode:
    """One node by name; `say` gets a line for each step and for each wait."""

    def __init__(
        self,
        name: str,
        *,
        runner: Runner | None = None,
        clock: Clock | None = None,
        say: Say = quiet,
    ) -> None:
        self.places = places(name)
        self._runner = runner or LocalRunner()
        self._clock = clock or SystemClock()
        self._say = say
        self._group = NodeGroup(self.places.cgroup)
        self._serving = name != BUILDER

    # what is there

    @property
    def record(self) -> Record | None:
        try:
            return msgspec.json.decode(self.places.record.read_bytes(), type=Record)
        except (OSError, msgspec.MsgspecError):
            return None

    @property
    def engine_runs(self) -> bool:
        return self._daemon("dockerd").identity is not None and self.places.socket.exists()

    def load(self) -> Node:
        """The node, if it is up. Raises InfrastructureError with the command that brings it up."""
        record = self.record
        if record is None or not self.engine_runs:
            name = self.places.name
            option = "" if name == DEFAULT else f" --name {name}"
            raise InfrastructureError(f"node {name}: not up; `cc-ci node up{option}` brings it up")
        return self._node(record.wanted, record.addresses)

    def status(self) -> Status | None:
        record = self.record
        if record is None:
            return None
        running = {one.name: one.identity for one in self._daemons()}
        return Status(
            name=self.places.name,
            up=self.engine_runs,
            record=record,
            processes={name: identity.pid if identity else None for name, identity in running.items()},
            socket=self.places.socket,
            engine=self._engine_version() if self.engine_runs else None,
            ipvs=has_ipvs(self._runner),
            disk_bytes=_disk(self.places.state),
        )

    # up

    def up(self, wanted: Wanted | None = None) -> Node:
        """Bring it up as `wanted`, by default as it was last; hands back the node when it can be used."""
        _require_root()
        with self._locked():
            before = self.record
            wants = wanted or (before.wanted if before else Wanted())
            chosen = self._settle(wants, before)
            self._group.create(Limits(cpus=wants.cpus, memory_bytes=wants.memory_bytes))
            lab_authority().create()
            self._namespaces(chosen)
            self._network(wants, chosen)
            self._engine(chosen)
            node = self._node(wants, chosen)
            self._swarm(node, chosen)
            if self._serving:
                self._proxy(node, wants)
            return node

    def _settle(self, wants: Wanted, before: Record | None) -> Addresses:
        """Choose addresses, and write down what the node is to be before anything of it is made.

        So a half-made node is taken down, or finished, as what it is; and two that are made at the same time
        do not choose the same.
        """
        with filelock.FileLock(runtime_root() / "addresses.lock"):
            chosen = self._addresses(before)
            record = Record(name=self.places.name, wanted=wants, addresses=chosen)
            write_atomic(self.places.record, msgspec.json.encode(record))
        return chosen

    def _addresses(self, before: Record | None) -> Addresses:
        """Those it had, while they are its own or nobody's: its Swarm remembers them."""
        own_link_up = self._runner(["ip", "link", "show", self.places.link("h")]).ok
        taken = addresses.taken_here(self._runner)
        if before and (own_link_up or addresses.is_free(before.addresses.node, taken)):
            return before.addresses
        # nodes that are down keep theirs, too
        others = [other.addresses.node for other in _records() if other.name != self.places.name]
        return addresses.choose([*taken, *(addresses.link_of(other) for other in others)])

    def _namespaces(self, chosen: Addresses) -> None:
        self._say("namespaces: a network and a mount namespace of its own")
        node = self.places
        node.runtime.mkdir(parents=True, exist_ok=True)
        node.runtime.chmod(0o700)
        node.certificates.mkdir(parents=True, exist_ok=True)
        namespaces.make_network_namespace(node.network_namespace, self._runner)
        here = ((), node.link("h"), chosen.host)
        there = (node.network_namespace, "host0", (chosen.node,))
        namespaces.link(self._runner, near=here, far=there, prefix=30)
        files = {
            "/etc/resolv.conf": f"nameserver {chosen.node}\n",
            "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
        }
        namespaces.make_mount_namespace(node, self._runner, files=files)

    def _network(self, wants: Wanted, chosen: Addresses) -> None:
        """The way out, the upstream registry, and the names of both."""
        node = self.places
        self._daemon("slirp4netns").start(self._slirp_argv())
        at: dict[str, str] = {}
        if self._serving and wants.images == "standin":
            self._say("registry: the distribution registry on addresses of its own")
            at = upstream.assigned(chosen.upstreams)
            namespaces.make_network_namespace(node.upstream_namespace, self._runner)
            near = (namespaces.in_network(node.network_namespace), "uplink0", chosen.uplink)
            far = (node.upstream_namespace, upstream.INTERFACE, tuple(at.values()))
            namespaces.link(self._runner, near=near, far=far, prefix=26)
            upstream.start(node, at, authority=lab_authority(), clock=self._clock)
            upstream.shape(node, wants.bandwidth, self._runner)
        argv = names.dnsmasq_argv(
            address=chosen.node, ci_domain=wants.ci_domain, upstreams=at, listen=(chosen.node, "127.0.0.1")
        )
        self._restart_if_changed("dnsmasq", (*namespaces.in_network(node.network_namespace), *argv))

    def _slirp_argv(self) -> tuple[str, ...]:
        """A way out in user space: no rule in the machine's firewall, and no way to its loopback."""
        options = ("--configure", "--mtu=1500", "--disable-host-loopback", "--netns-type=path")
        namespace = str(self.places.network_namespace)
        return (*self._group.join_argv("engine"), "slirp4netns", *options, namespace, "tap0")

    def _restart_if_changed(self, name: str, argv: Sequence[str]) -> None:
        """Start a daemon, or start it anew when its command line is another one than last time."""
        daemon, kept = self._daemon(name), self.places.runtime / f"{name}.argv"
        line = "\0".join(argv)
        if daemon.identity and kept.exists() and kept.read_text() != line:
            daemon.stop(patience=5)
        write_atomic(kept, line)
        daemon.start([*self._group.join_argv("engine"), *argv])

    def _engine(self, chosen: Addresses) -> None:
        node = self.places
        if not self.engine_runs:
            # a pid in it may be anybody's by now, and dockerd would not start
            (node.runtime / "dockerd.pid").unlink(missing_ok=True)
            engine_daemons.write_configurations(node, chosen)
        containerd, dockerd = self._daemon("containerd"), self._daemon("dockerd")
        if containerd.start(engine_daemons.containerd_argv(node, self._group)):
            # an engine does not find its way back to a new containerd
            dockerd.stop(patience=15)
            self._say("engine: waiting for containerd")
            self._answers(containerd, node.containerd_socket.is_socket, timeout=30)
        environment = engine_daemons.dockerd_environment(lab_authority().bundle)
        if dockerd.start(engine_daemons.dockerd_argv(node, self._group), env=environment):
            self._say("engine: waiting for dockerd")
        self._answers(dockerd, lambda: self._engine_version() is not None, timeout=120)
        node.socket.chmod(0o600)
        count_bytes(f"{node.cgroup}/engine", folder=node.state)

    def _engine_version(self) -> str | None:
        try:
            asked = self._docker(["docker", "version", "--format", "{{.Server.Version}}"], timeout=10)
        except CommandFailed:
            # it listens before it serves: first it stops what a killed one left running, 10 s each
            return None
        return asked.stdout.strip() if asked.ok else None

    def _answers(self, daemon: Daemon, look: Callable[[], bool], *, timeout: Seconds) -> None:
        wait_until(
            look,
            name=f"{daemon.name} to answer",
            ready=lambda answers: answers,
            failed=lambda _answers: None if daemon.identity else f"it ended: {daemon.last_words()}",
            timeout=timeout,
            clock=self._clock,
            interval=0.1,
        )

    def _swarm(self, node: Node, chosen: Addresses) -> None:
        if self._swarm_state() == "active":
            return
        self._say("swarm: a Swarm of one node")
        if self._swarm_state() == "inactive":
            check(self._docker(engine_daemons.swarm_argv(chosen)), what="docker swarm init")
        wait_until(
            self._swarm_state,
            name=f"node {node.name}: its Swarm",
            ready=lambda state: state == "active",
            timeout=60,
            clock=self._clock,
        )

    def _swarm_state(self) -> str:
        form = "{{.Swarm.LocalNodeState}}{{if .Swarm.ControlAvailable}}{{else}} no manager{{end}}"
        seen = self._docker(["docker", "info", "--format", form]).stdout.strip()
        return seen.removesuffix(" no manager") if seen.startswith("inactive") else seen

    def _proxy(self, node: Node, wants: Wanted) -> None:
        self._say("proxy: Traefik")
        proxy.start(
            self.places, self._docker, address=node.address, refresh=wants.refresh, throttle=wants.throttle
        )

    def _node(self, wants: Wanted, chosen: Addresses) -> Node:
        authority, places = lab_authority(), self.places
        return Node(
            name=places.name,
            kind="private",
            docker_host=f"unix://{places.socket}",
            address=chosen.node,
            ci_domain=wants.ci_domain,
            ipvs=has_ipvs(self._runner),
            stand_ins=wants.images == "standin",
            cpus=wants.cpus,
            memory_bytes=wants.memory_bytes,
            proxy_container=proxy.CONTAINER if self._serving else None,
            certificates=places.certificates,
            ca_certificate=authority.certificate,
            ca_bundle=authority.bundle,
            network_namespace=places.network_namespace,
            mount_namespace=places.mount_namespace,
            cgroup=places.cgroup,
        )

    # down

    def down(self) -> None:
        """Take it down: its processes, namespaces, links and groups; its data stays. Works twice."""
        _require_root()
        with self._locked():
            self._say("engine: waiting for it to stop its containers")
            self._daemon("dockerd").stop(patience=20)
            for daemon in self._daemons():
                daemon.stop(patience=5)
            upstream.stop(self.places, clock=self._clock)
            self._end_the_rest()
            namespaces.remove_link(self.places.link("h"), self._runner)
            namespaces.remove_network_namespace(self.places.upstream_namespace, self._runner)
            namespaces.remove_network_namespace(self.places.network_namespace, self._runner)
            namespaces.remove_mount_namespace(self.places, self._runner)
            self._group.remove()
            shutil.rmtree(self.places.runtime, ignore_errors=True)

    def _end_the_rest(self) -> None:
        """Shims and containers of an engine that was killed."""
        self._group.kill()
        wait_until(
            self._group.processes,
            name=f"node {self.places.name}: its processes to end",
            ready=lambda left: not left,
            timeout=20,
            clock=self._clock,
            interval=0.05,
        )

    def reset(self, wanted: Wanted | None = None) -> Node:
        """Take it down, forget its images, volumes and Swarm, and bring it up as it was or as `wanted`."""
        before = self.record
        self.forget()
        return self.up(wanted or (before.wanted if before else None))

    def forget(self) -> None:
        """Take it down and remove its data. Works twice."""
        self.down()
        self._say("data: removing its images and volumes")
        shutil.rmtree(self.places.state, ignore_errors=True)

    # edges

    def _docker(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: Seconds | None = 120,
    ) -> Completed:
        """A runner for the docker client on this node, with none of the user's own configuration."""
        empty = self.places.runtime / "client"
        empty.mkdir(parents=True, exist_ok=True)
        address = Node(
            name=self.places.name,
            kind="private",
            docker_host=f"unix://{self.places.socket}",
            address="",
            ci_domain="",
            ipvs=False,
        )
        environment = {**client_environment(address, config=empty), **(env or {})}
        return self._runner(argv, stdin=stdin, env=environment, cwd=cwd, timeout=timeout)

    def _daemons(self) -> tuple[Daemon, ...]:
        return tuple(self._daemon(name) for name in ("dockerd", "containerd", "dnsmasq", "slirp4netns"))

    def _daemon(self, name: str) -> Daemon:
        log = self.places.logs / f"{name}.log"
        return Daemon(name, folder=self.places.runtime, log=log, clock=self._clock)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        runtime_root().mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(runtime_root() / f"{self.places.name}.lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            self._say(f"node {self.places.name}: waiting for another command that works on it")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()


def up(name: str = DEFAULT, *, wanted: Wanted | None = None, say: Say = quiet) -> Node:
    return PrivateNode(name, say=say).up(wanted)


def down(name: str = DEFAULT, *, say: Say = quiet) -> None:
    PrivateNode(name, say=say).down()


def load(name: str = DEFAULT) -> Node:
    return PrivateNode(name).load()


def has_ipvs(runner: Runner) -> bool:
    """Whether this kernel has IPVS, without which a service's virtual address never answers."""
    if not Path("/proc/net/ip_vs").exists() and shutil.which("modprobe"):
        runner(["modprobe", "ip_vs"])
    return Path("/proc/net/ip_vs").exists()


def _records() -> Iterator[Record]:
    root = places(DEFAULT).state.parent
    for path in sorted(root.glob("*/node.json")):
        if record := PrivateNode(path.parent.name).record:
            yield record


def all_nodes() -> tuple[str, ...]:
    return tuple(record.name for record in _records())


def _require_root() -> None:
    if os.geteuid() != 0:
        raise InfrastructureError(
            "private node: needs root; `--node CONTEXT|HOST` uses a Swarm that is there"
        )


def _disk(folder: Path) -> Bytes:
    total = 0
    for root, _folders, files in os.walk(folder, onerror=lambda _error: None):
        for name in files:
            with contextlib.suppress(OSError):
                total += os.lstat(Path(root) / name).st_blocks * 512
    return total
