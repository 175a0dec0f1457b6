"""What the rest of cc-ci knows about the node that it may use."""

from pathlib import Path
from typing import Literal

import msgspec

from cc_ci.recipes.rule import Syntax
from cc_ci.system.units import Bytes


class AppLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What apps on a private node may have: together, and one container of theirs (`processes_each`)."""

    memory_bytes: Bytes
    processes: int
    processes_each: int
    disk_bytes: Bytes
    """What one run's may write, in volumes and containers together."""


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A Swarm node and the ways to reach it.

    `docker_host` is what DOCKER_HOST gets; `address` is where its proxy answers on 80 and 443. A private node
    has a proxy for each run: `lab.run_proxy` gives the node as one run sees it. Fields that only a private
    node has are None on a foreign one.
    """

    name: str
    kind: Literal["private", "foreign"]
    docker_host: str
    address: str
    ci_domain: str
    ipvs: bool
    stand_ins: bool = False
    """Images come from the lab's registry, which has stand-ins and what was loaded into it."""
    cpus: float | None = None
    memory_bytes: Bytes | None = None
    proxy_container: str | None = None
    """The run's Traefik, which joins each deployment's proxy network; None: one shared `proxy`."""
    own_proxies: tuple[str, ...] = ()
    """Addresses of the proxies that single deployments of the run have."""
    rule_syntax: Syntax | None = None
    """The version of Traefik in whose syntax that proxy reads rules; None: not decided, or unknown."""
    certificates: Path | None = None
    """Folder watched by the run's Traefik: a certificate per routed host is put there."""
    names: Path | None = None
    """Folder with a file for each domain that leads to the run's proxy, inside the node."""
    ca_certificate: Path | None = None
    ca_bundle: Path | None = None
    """The machine's CAs and the lab's, in one PEM file."""
    network_namespace: Path | None = None
    mount_namespace: Path | None = None
    """Entering both makes CI names resolve, and shows volumes under /var/lib/docker/volumes."""
    cgroup: str | None = None
    """The node's control group, relative to each controller's root; its limits hold for all it runs."""

    apps: AppLimits | None = None
    """A private node's limits for the apps on it."""
    remapped: bool = False
    """Root in a container is nobody on the machine: a private node maps the ids of its containers."""
    first_id: int = 0
    """What the machine calls the root of a container."""

    @property
    def private(self) -> bool:
        return self.kind == "private"
