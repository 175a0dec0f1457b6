"""The node's own dockerd and containerd: configuration and command lines, pure."""

import json
import resource
from pathlib import Path

from cc_ci.lab import remapping
from cc_ci.lab.addresses import Addresses
from cc_ci.lab.cgroups import NodeGroup
from cc_ci.lab.namespaces import inside
from cc_ci.lab.places import Places
from cc_ci.system.files import write_atomic

LOG_SIZE, LOG_FILES = "16m", "2"
"""What a container may say before its oldest words are dropped."""
OPEN_FILES = 65536
"""Of one process: more than any app of a known recipe asks for."""

GATEWAY = "docker_gwbridge"

OLDEST_API = "1.24"
"""What engines up to 28 take anyway. From 29 on they refuse clients below 1.44 unless told: Debian 12's own
has 1.41, and Traefik's of some versions asks by 1.24."""

CONTAINERD = """\
version = 2
root = "{root}"
state = "{state}"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{socket}"
"""


def engine_configuration(
    node: Places, addresses: Addresses, *, new_privileges: bool = False
) -> dict[str, object]:
    """daemon.json: everything of the node's own, and no network that this machine uses."""
    mapped = {"userns-remap": remapping.USER} if node.remapped else {}
    return {
        **mapped,
        "hosts": [f"unix://{node.socket}", f"unix://{node.app_socket}"],
        "containerd": str(node.containerd_socket),
        "data-root": str(node.engine_root),
        "exec-root": str(node.runtime / "exec"),
        "pidfile": str(node.runtime / "dockerd.pid"),
        "storage-driver": "overlay2",
        # newer engines would choose containerd's image store, which keeps layers elsewhere
        "features": {"containerd-snapshotter": False},
        "exec-opts": ["native.cgroupdriver=cgroupfs"],
        "cgroup-parent": f"{node.cgroup}/stack",
        "dns": [addresses.node],
        "default-address-pools": [{"base": addresses.bridges, "size": 24}],
        "icc": False,
        "no-new-privileges": not new_privileges,
        "default-ulimits": default_ulimits(),
        "log-driver": "json-file",
        "log-opts": {"max-size": LOG_SIZE, "max-file": LOG_FILES},
        "shutdown-timeout": 10,
    }


def default_ulimits() -> dict[str, object]:
    """What apps have that ask for nothing else, from whatever shell the engine happens to be started."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    return {
        "nofile": {"Name": "nofile", "Soft": files, "Hard": files},
        # the memory of an app that crashed would fill its volume
        "core": {"Name": "core", "Soft": 0, "Hard": 0},
    }


def write_configurations(node: Places, addresses: Addresses, *, new_privileges: bool) -> None:
    wanted = engine_configuration(node, addresses, new_privileges=new_privileges)
    configuration = json.dumps(wanted, indent=1)
    write_atomic(node.runtime / "daemon.json", configuration)
    containerd = CONTAINERD.format(
        root=node.state / "containerd", state=node.runtime / "containerd", socket=node.containerd_socket
    )
    write_atomic(node.runtime / "containerd.toml", containerd)


def containerd_argv(node: Places, group: NodeGroup, *, kept: bool) -> tuple[str, ...]:
    """`kept`: it is an engine of cc-ci's own, and not the machine's."""
    return (
        *group.join_argv("engine"),
        *inside(node, engine=kept),
        "containerd",
        f"--config={node.runtime / 'containerd.toml'}",
    )


def dockerd_argv(node: Places, group: NodeGroup, *, kept: bool) -> tuple[str, ...]:
    return (
        *group.join_argv("engine"),
        *inside(node, engine=kept),
        "dockerd",
        f"--config-file={node.runtime / 'daemon.json'}",
    )


def dockerd_environment(bundle: Path) -> dict[str, str]:
    """The lab's registry answers for Docker Hub, which dockerd trusts by the system's authorities alone."""
    # a proxy of the user's would answer in the registry's place
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "")
    return {
        **proxies,
        "SSL_CERT_FILE": str(bundle),
        "DOCKER_CONFIG": "/nonexistent",
        "DOCKER_MIN_API_VERSION": OLDEST_API,
    }


def gateway_argv() -> list[str]:
    """The bridge by which Swarm's containers get out, as Swarm makes it, but before it starts any."""
    options = {"name": GATEWAY, "enable_icc": "false", "enable_ip_masquerade": "true"}
    given = [f"--opt=com.docker.network.bridge.{key}={value}" for key, value in options.items()]
    return ["docker", "network", "create", "--driver=bridge", *given, GATEWAY]


def swarm_argv(addresses: Addresses) -> list[str]:
    """A Swarm of one node, which listens nowhere but on the loopback of its own namespace."""
    listen = ["--advertise-addr=127.0.0.1", "--listen-addr=127.0.0.1"]
    pool = [f"--default-addr-pool={addresses.overlays}", "--default-addr-pool-mask-length=24"]
    return ["docker", "swarm", "init", *listen, *pool]
