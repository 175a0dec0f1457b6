"""Putting images into the lab's registry, over the same storage that nodes later read.

A writable instance runs in the builder's namespace, only while it is needed.
"""

import contextlib
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

from cc_ci.errors import InfrastructureError
from cc_ci.lab.daemons import Daemon
from cc_ci.lab.images import ImageName, digest_in_registry, storage
from cc_ci.lab.namespaces import in_network
from cc_ci.lab.workshop import Builder
from cc_ci.system.files import runtime_root
from cc_ci.system.process import check
from cc_ci.system.units import Seconds
from cc_ci.system.waiting import wait_until

ADDRESS = "127.0.0.1:5000"
"""A loopback address, which every engine lets speak plain HTTP."""

CONFIGURATION = """\
version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: {storage}}}
  delete: {{enabled: true}}
http: {{addr: "{address}", secret: {secret}}}
"""

STOP_PATIENCE: Seconds = 5.0

CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 1)"


@contextlib.contextmanager
def writable_registry(upstream: str, *, builder: Builder) -> Iterator[None]:
    """Run the distribution registry for one upstream name, and end it again."""
    node, runner = builder.node, builder.runner
    if node.network_namespace is None:
        raise InfrastructureError(f"{node.name}: images are built on a private node; this one is {node.kind}")
    enter = in_network(node.network_namespace)
    registry = Daemon(
        "push-registry", folder=runtime_root(), log=builder.scratch / "registry.log", clock=builder.clock
    )
    # one that a killed cc-ci left would answer on the same address, from another upstream's storage
    registry.stop(patience=STOP_PATIENCE)
    registry.start(
        [*enter, "docker-registry", "serve", str(_configuration(upstream, folder=builder.scratch))]
    )
    try:
        wait_until(
            lambda: runner([*enter, sys.executable, "-c", CONNECT, *ADDRESS.split(":")]),
            name="the registry that images are pushed to",
            ready=lambda tried: tried.ok,
            failed=lambda _tried: None if registry.identity else registry.last_words(),
            describe=lambda _tried: registry.last_words(),
            timeout=10,
            clock=builder.clock,
        )
        yield
    finally:
        registry.stop(patience=STOP_PATIENCE)


def _configuration(upstream: str, *, folder: Path) -> Path:
    target = storage(upstream)
    target.mkdir(parents=True, exist_ok=True)
    path = folder / "registry.yml"
    path.write_text(CONFIGURATION.format(storage=target, address=ADDRESS, secret=secrets.token_hex(16)))
    return path


def push(image: str, name: ImageName, *, builder: Builder) -> str:
    """Push the builder's `image` under its upstream name; return the manifest's digest."""
    local = local_reference(name)
    check(builder.docker("tag", image, local))
    try:
        check(builder.docker("push", local), what=f"docker push {name}")
    finally:
        builder.docker("image", "rm", local)
    digest = digest_in_registry(name)
    if digest is None:
        raise InfrastructureError(f"{name}: pushed, but not in {storage(name.upstream)}")
    return digest


def local_reference(name: ImageName) -> str:
    """The name by which the builder's engine reaches the image in the writable registry."""
    return f"{ADDRESS}/{name.path}:{name.tag}"
