"""The private node: brought up, taken down, asked for.

Every step of `up` finds out what is there and adds the rest, so it is also the mend for a stale pidfile,
a killed engine and a reboot.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import filelock
import msgspec

from cc_ci.engine.node import Node
from cc_ci.errors import InfrastructureError, UsageError
from cc_ci.lab import addresses, namespaces, proxy, proxy_services, remapping
from cc_ci.lab.addresses import Addresses
from cc_ci.lab.budget import Budget, budget
from cc_ci.lab.certificates import lab_authority
from cc_ci.lab.cgroups import NodeGroup
from cc_ci.lab.daemons import daemon_of
from cc_ci.lab.engine_roots import named
from cc_ci.lab.node_engine import NodeEngine
from cc_ci.lab.node_lock import locked, require_own
from cc_ci.lab.node_network import NodeNetwork
from cc_ci.lab.node_records import BUILDER, DEFAULT, SYSTEM, Record, Wanted, record_of, records
from cc_ci.lab.node_status import Status, disk_bytes, has_ipvs
from cc_ci.lab.places import REMAPPED_ID, places
from cc_ci.system.clock import Clock, SystemClock
from cc_ci.system.files import runtime_root, write_atomic
from cc_ci.system.machine import memory_bytes
from cc_ci.system.process import LocalRunner, Runner
from cc_ci.system.waiting import wait_until

DAEMONS = ("dockerd", "containerd", proxy_services.NAME, "dnsmasq", "slirp4netns")
"""Of each node, in the order in which they end."""


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
        say: Callable[[str], None] = quiet,
    ) -> None:
        self.places = places(name)
        self._runner = runner or LocalRunner()
        self._clock = clock or SystemClock()
        self._say = say
        self._group = NodeGroup(self.places.cgroup)
        self._network = NodeNetwork(self.places, self._group, runner=self._runner, clock=self._clock, say=say)
        self._engine = NodeEngine(self.places, self._group, runner=self._runner, clock=self._clock, say=say)
        self._serving = name != BUILDER

    # what is there

    @property
    def record(self) -> Record | None:
        return record_of(self.places)

    @property
    def up_now(self) -> bool:
        return self.record is not None and self._engine.runs

    def load(self) -> Node:
        """The node, if it is up. Raises InfrastructureError with the command that brings it up."""
        record = self.record
        if record is None or not self.up_now:
            name = self.places.name
            option = "" if name == DEFAULT else f" --name {name}"
            raise InfrastructureError(f"node {name}: not up; `cc-ci node up{option}` brings it up")
        require_own(self.places)
        self._network.refresh(record.wanted, record.addresses)
        return self._node(record.wanted, record.addresses)

    def status(self) -> Status | None:
        record = self.record
        if record is None:
            return None
        facts = self._engine.facts() if self._engine.runs else None
        daemons = (daemon_of(self.places, name, clock=self._clock) for name in DAEMONS)
        running = {one.name: one.identity for one in daemons}
        return Status(
            name=self.places.name,
            up=self._engine.runs,
            record=record,
            processes={name: identity.pid if identity else None for name, identity in running.items()},
            socket=self.places.socket,
            engine=facts.version if facts else None,
            facts=facts,
            ipvs=has_ipvs(self._runner),
            budget=self._budget(record.wanted),
            remapped=self.places.remapped if self.up_now else record.wanted.userns,
            disk_bytes=disk_bytes(self.places.state),
        )

    # up

    def up(self, wanted: Wanted | None = None) -> Node:
        """Bring it up as `wanted`, by default as it was last; hands back the node when it can be used."""
        require_root()
        with locked(self.places, say=self._say):
            require_own(self.places)
            before = self.record
            wants = wanted or (before.wanted if before else Wanted())
            if before and before.wanted.engine != wants.engine and self.places.engine_root.exists():
                raise UsageError(
                    f"node {self.places.name}: has data of the engine {before.wanted.engine}; "
                    f"`cc-ci node reset --name {self.places.name} --engine {wants.engine}` empties it"
                )
            engine = _engine_root(wants)
            chosen = self._settle(wants, before)
            write_atomic(self.places.owner, str(self.places.state))
            self._group.create(self._budget(wants).limits)
            lab_authority().create()
            self._map_ids(wants)
            self._network.make_namespaces(chosen, engine=engine)
            self._network.start(wants, chosen, registry=self._serves_registry(wants))
            if self._serving:
                self._network.close(wants, chosen)
                self._network.serve_proxies()
            self._engine.start(chosen, kept=engine is not None, new_privileges=wants.new_privileges)
            if self._serving:
                self._network.part(self._engine.shared_networks())
                self._expect_proxies()
            self._engine.join_swarm(chosen)
            return self._node(wants, chosen)

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

    def _map_ids(self, wants: Wanted) -> None:
        """Decide whether ids are mapped, for as long as the node is up: its data lies elsewhere then."""
        node = self.places
        if namespaces.is_mounted(node.mount_namespace):
            if node.remapped != (wants.userns and self._serving):
                self._say(f"userns: as it was; a change needs `cc-ci node down --name {node.name}` first")
            return
        why_not = remapping.hindrance(node) if wants.userns and self._serving else None
        if why_not:
            self._say(f"warning: root in a container is root on this machine: {why_not}")
        remapping.keep(node, mapped=wants.userns and self._serving and not why_not)

    def _addresses(self, before: Record | None) -> Addresses:
        """Those it had, while they are its own or nobody's: its Swarm remembers them."""
        own_link_up = self._runner(["ip", "link", "show", self.places.link("h")]).ok
        taken = addresses.taken_here(self._runner)
        if before and (own_link_up or addresses.is_free(before.addresses.node, taken)):
            return before.addresses
        # nodes that are down keep theirs, too
        others = [other.addresses.node for other in records() if other.name != self.places.name]
        return addresses.choose([*taken, *(addresses.link_of(other) for other in others)])

    def _expect_proxies(self) -> None:
        """Runs bring proxies of their own, and find their image here."""
        self._say("proxies: their image")
        # one for all runs, from a time when there was one
        self._engine.docker(["docker", "container", "rm", "--force", "cc-ci-proxy"])
        proxy.image(self._engine.docker)

    def _node(self, wants: Wanted, chosen: Addresses) -> Node:
        authority, places, budget = lab_authority(), self.places, self._budget(wants)
        return Node(
            name=places.name,
            kind="private",
            docker_host=f"unix://{places.socket}",
            address=chosen.node,
            ci_domain=wants.ci_domain,
            ipvs=has_ipvs(self._runner),
            stand_ins=wants.images == "standin",
            cpus=wants.cpus,
            memory_bytes=budget.memory_bytes,
            apps=budget.apps,
            ca_certificate=authority.certificate,
            ca_bundle=authority.bundle,
            network_namespace=places.network_namespace,
            mount_namespace=places.mount_namespace,
            cgroup=places.cgroup,
            remapped=places.remapped,
            first_id=REMAPPED_ID if places.remapped else 0,
        )

    # down

    def down(self, *, anybody_s: bool = False) -> None:
        """Take it down: its processes, namespaces, links and groups; its data stays. Works twice.

        `anybody_s`: also one that was brought up with its data in another folder.
        """
        require_root()
        with locked(self.places, say=self._say):
            if not anybody_s:
                require_own(self.places)
            self._engine.stop()
            self._network.stop()
            self._end_the_rest()
            self._network.remove()
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
        faults: list[str] = []
        shutil.rmtree(
            self.places.state, onerror=lambda _call, path, error: faults.append(f"{path}: {error[1]}")
        )
        if self.places.state.exists():
            raise InfrastructureError(f"node {self.places.name}: its data is still there: {faults[0]}")

    def remove(self) -> None:
        """Remove it for good: nothing of its name is left. Raises UsageError for a node that there isn't."""
        if not (self.places.state.exists() or self.places.runtime.exists()):
            known = ", ".join(record.name for record in records()) or "none"
            raise UsageError(f"node {self.places.name}: no such private node; there is {known}")
        self.forget()
        with locked(self.places, say=self._say) as lock:
            lock.unlink(missing_ok=True)

    def serve_images(self) -> tuple[str, ...]:
        """Serve what has come into the lab's registry since it is up; the upstream names that are new."""
        with locked(self.places, say=self._say):
            record = self.record
            if record is None or not self._engine.runs or not self._serves_registry(record.wanted):
                return ()
            before = self._network.upstreams()
            self._network.start(record.wanted, record.addresses, registry=True)
            return tuple(name for name in self._network.upstreams() if name not in before)

    # edges

    def _budget(self, wants: Wanted) -> Budget:
        return budget(wants, machine_memory=memory_bytes())

    def _serves_registry(self, wants: Wanted) -> bool:
        return self._serving and wants.images == "standin"


def up(name: str = DEFAULT, *, wanted: Wanted | None = None, say: Callable[[str], None] = quiet) -> Node:
    return PrivateNode(name, say=say).up(wanted)


def down(name: str = DEFAULT, *, say: Callable[[str], None] = quiet) -> None:
    PrivateNode(name, say=say).down()


def load(name: str = DEFAULT) -> Node:
    return PrivateNode(name).load()


def _engine_root(wants: Wanted) -> Path | None:
    return None if wants.engine == SYSTEM else named(wants.engine).root


def require_root() -> None:
    """Raise InfrastructureError for a user who can bring no private node up."""
    if os.geteuid() != 0:
        raise InfrastructureError("private node: needs root; `--node CONTEXT|HOST` uses an existing Swarm")
