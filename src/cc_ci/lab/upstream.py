"""The far side of a pull: the distribution registry, one process per upstream name, on addresses of its own.

It reads the storage that `cc-ci images` fills and takes no pushes, since a recipe under test can reach it.
The link to it has the bandwidth that is asked for.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from cc_ci.lab.certificates import LabAuthority
from cc_ci.lab.daemons import Daemon, daemon_of
from cc_ci.lab.names import hosts_of
from cc_ci.lab.namespaces import in_network
from cc_ci.lab.places import Places
from cc_ci.system.clock import Clock
from cc_ci.system.files import state_root, write_atomic
from cc_ci.system.process import Runner, check

ALWAYS = ("docker.io", "ghcr.io", "quay.io")
"""Served even when there is nothing of theirs, so that a missing image is said to be missing at once."""
INTERFACE = "up0"

CONFIGURATION = """\
version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: {storage}}}
  maintenance:
    readonly: {{enabled: true}}
http:
  addr: "{address}:443"
  secret: only-pushes-use-it
  tls: {{certificate: {certificate}, key: {key}}}
"""


def storages() -> Path:
    return state_root() / "registry"


def upstream_names() -> tuple[str, ...]:
    there = [path.name for path in storages().iterdir() if path.is_dir()] if storages().is_dir() else []
    return tuple(sorted({*ALWAYS, *there}))


def assigned(addresses: tuple[str, ...], *, before: Mapping[str, str]) -> dict[str, str]:
    """An address for each upstream name; one that had an address `before` keeps it."""
    names = upstream_names()
    kept = {name: before[name] for name in names if name in before}
    free = (address for address in addresses if address not in kept.values())
    return kept | dict(zip((name for name in names if name not in kept), free, strict=False))


def last_assigned(node: Places) -> dict[str, str]:
    """What they had when the node last started its registries; nothing before that."""
    file = _assignment(node)
    return msgspec.json.decode(file.read_bytes(), type=dict[str, str]) if file.is_file() else {}


def _assignment(node: Places) -> Path:
    return node.runtime / "upstreams.json"


def daemon(node: Places, upstream: str, *, clock: Clock) -> Daemon:
    return daemon_of(node, f"registry-{upstream}", clock=clock)


def start(node: Places, at: Mapping[str, str], *, authority: LabAuthority, clock: Clock) -> None:
    """Start the registry of each upstream name that does not run, or runs at another address than now."""
    write_atomic(_assignment(node), msgspec.json.encode(at))
    for upstream, address in at.items():
        process = daemon(node, upstream, clock=clock)
        if not _configured(node, upstream, address=address):
            process.stop(patience=5)
        if process.identity is None:
            configuration = _configure(node, upstream, address=address, authority=authority)
            process.start(
                [*in_network(node.upstream_namespace), "docker-registry", "serve", str(configuration)]
            )


def stop(node: Places, *, clock: Clock) -> None:
    for upstream in upstream_names():
        daemon(node, upstream, clock=clock).stop(patience=5)


def _configured(node: Places, upstream: str, *, address: str) -> bool:
    file = node.runtime / "upstream" / upstream / "registry.yml"
    return file.is_file() and f'"{address}:443"' in file.read_text()


def _configure(node: Places, upstream: str, *, address: str, authority: LabAuthority) -> Path:
    folder = node.runtime / "upstream" / upstream
    chain, key = authority.issue(*hosts_of(upstream))
    write_atomic(folder / "tls.pem", chain)
    write_atomic(folder / "tls.key", key, mode=0o600)
    storage = storages() / upstream
    storage.mkdir(parents=True, exist_ok=True)
    text = CONFIGURATION.format(
        storage=storage, address=address, certificate=folder / "tls.pem", key=folder / "tls.key"
    )
    write_atomic(folder / "registry.yml", text)
    return folder / "registry.yml"


def shape(node: Places, bandwidth: str | None, runner: Runner) -> None:
    """Limit what comes over the link from the registry, as tc-tbf(8) takes it (100mbit); None: no limit."""
    argv = shape_argv(bandwidth)
    completed = runner([*in_network(node.upstream_namespace), *argv])
    if bandwidth:
        check(completed, what=f"bandwidth {bandwidth}")


def shape_argv(bandwidth: str | None) -> tuple[str, ...]:
    if bandwidth is None:
        return ("tc", "qdisc", "del", "dev", INTERFACE, "root")
    # a burst of 256 KB fills 10 ms at 200 Mbit/s: less than the clock's tick would starve the link
    shaped = ("tbf", "rate", bandwidth, "burst", "256k", "latency", "50ms")
    return ("tc", "qdisc", "replace", "dev", INTERFACE, "root", *shaped)
