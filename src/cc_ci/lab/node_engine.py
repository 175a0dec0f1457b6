"""A private node's engine: its containerd and dockerd, its Swarm, and the way to it."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cc_ci.engine import parsing
from cc_ci.engine.argv import client_environment
from cc_ci.engine.node import Node
from cc_ci.engine.state import EngineFacts
from cc_ci.errors import CommandFailed
from cc_ci.lab import engine_daemons, proxy
from cc_ci.lab.addresses import Addresses
from cc_ci.lab.certificates import lab_authority
from cc_ci.lab.cgroups import NodeGroup
from cc_ci.lab.daemons import Daemon, daemon_of
from cc_ci.lab.places import REMAPPED_ID, Places
from cc_ci.system.clock import Clock
from cc_ci.system.process import Completed, Runner, check
from cc_ci.system.units import Seconds
from cc_ci.system.waiting import wait_until
from cc_ci.timing.io_counting import count_bytes


class NodeEngine:
    """Order of calls: `start`, once the node's namespaces and names are there, then `join_swarm`."""

    def __init__(
        self, node: Places, group: NodeGroup, *, runner: Runner, clock: Clock, say: Callable[[str], None]
    ) -> None:
        self._node = node
        self._group = group
        self._runner = runner
        self._clock = clock
        self._say = say
        self._containerd = daemon_of(node, "containerd", clock=clock)
        self._dockerd = daemon_of(node, "dockerd", clock=clock)

    @property
    def runs(self) -> bool:
        return self._dockerd.identity is not None and self._node.socket.exists()

    def start(self, chosen: Addresses, *, kept: bool, new_privileges: bool) -> None:
        """Start what does not run, and return when it answers; `kept` tells an engine of cc-ci's own."""
        node = self._node
        if not self.runs:
            # a pid in it may be anybody's by now, and dockerd would not start
            (node.runtime / "dockerd.pid").unlink(missing_ok=True)
            engine_daemons.write_configurations(node, chosen, new_privileges=new_privileges)
        if self._containerd.start(engine_daemons.containerd_argv(node, self._group, kept=kept)):
            # an engine does not find its way back to a new containerd
            self._dockerd.stop(patience=15)
            self._say("engine: waiting for containerd")
            self._answers(self._containerd, node.containerd_socket.is_socket, timeout=30)
        environment = engine_daemons.dockerd_environment(lab_authority().bundle)
        if self._dockerd.start(engine_daemons.dockerd_argv(node, self._group, kept=kept), env=environment):
            self._say("engine: waiting for dockerd")
        self._answers(self._dockerd, lambda: self.version() is not None, timeout=120)
        self._close_sockets()
        count_bytes(f"{node.cgroup}/engine", folder=node.state)

    def _close_sockets(self) -> None:
        """Dockerd opens its sockets to a group that the machine may have users in."""
        node = self._node
        root = REMAPPED_ID if node.remapped else 0
        for socket, owner in ((node.socket, 0), (node.app_socket, root)):
            if not socket.exists():
                # an engine that an earlier cc-ci started
                continue
            os.chown(socket, owner, owner)
            socket.chmod(0o600)

    def version(self) -> str | None:
        """None while it does not answer."""
        try:
            asked = self.docker(["docker", "version", "--format", "{{.Server.Version}}"], timeout=10)
        except CommandFailed:
            # it listens before it serves: first it stops what a killed one left running, 10 s each
            return None
        return asked.stdout.strip() if asked.ok else None

    def facts(self) -> EngineFacts | None:
        """All that tells this engine from others; None while it does not answer."""
        try:
            info, version = (self._json(what) for what in ("info", "version"))
        except CommandFailed:
            return None
        return parsing.facts(info, version["Server"], version["Server"]["ApiVersion"])

    def _json(self, what: str) -> Any:
        argv = ["docker", what, "--format", "{{json .}}"]
        return json.loads(check(self.docker(argv, timeout=10), what=f"docker {what}").stdout)

    def stop(self) -> None:
        self._say("engine: waiting for it to stop its containers")
        self._dockerd.stop(patience=20)
        self._containerd.stop(patience=5)

    def join_swarm(self, chosen: Addresses) -> None:
        """Make a Swarm of one node, unless it is there, and return when it manages."""
        if self._swarm_state() == "active":
            return
        self._say("swarm: a Swarm of one node")
        if self._swarm_state() == "inactive":
            check(self.docker(engine_daemons.swarm_argv(chosen)), what="docker swarm init")
        wait_until(
            self._swarm_state,
            name=f"node {self._node.name}: its Swarm",
            ready=lambda state: state == "active",
            timeout=60,
            clock=self._clock,
        )

    def shared_networks(self) -> tuple[str, ...]:
        """The addresses of the bridges that containers of all runs are on.

        Swarm makes the second one some time after it has begun to manage, unless it is there; the third is
        for runs' proxies.
        """
        made = {engine_daemons.GATEWAY: engine_daemons.gateway_argv(), proxy.NETWORK: proxy.network_argv()}
        for name, argv in made.items():
            if not self.docker(["docker", "network", "inspect", name]).ok:
                check(self.docker(argv), what=f"network {name}")
        form = "{{range .IPAM.Config}}{{.Subnet}} {{end}}"
        inspect = ["docker", "network", "inspect", "--format", form, "bridge", *made]
        return tuple(check(self.docker(inspect), what="the engine's bridges").stdout.split())

    def docker(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: Seconds | None = 120,
    ) -> Completed:
        """A runner for the docker client on this node, with none of the user's own configuration."""
        empty = self._node.runtime / "client"
        empty.mkdir(parents=True, exist_ok=True)
        address = Node(
            name=self._node.name,
            kind="private",
            docker_host=f"unix://{self._node.socket}",
            address="",
            ci_domain="",
            ipvs=False,
        )
        environment = {**client_environment(address, config=empty), **(env or {})}
        return self._runner(argv, stdin=stdin, env=environment, cwd=cwd, timeout=timeout)

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

    def _swarm_state(self) -> str:
        form = "{{.Swarm.LocalNodeState}}{{if .Swarm.ControlAvailable}}{{else}} no manager{{end}}"
        seen = self.docker(["docker", "info", "--format", form]).stdout.strip()
        return seen.removesuffix(" no manager") if seen.startswith("inactive") else seen
