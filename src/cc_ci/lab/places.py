"""Where the files and names of one private node are."""

import hashlib
import re
from pathlib import Path

import msgspec

from cc_ci.errors import UsageError
from cc_ci.system.files import runtime_root, state_root

LONGEST_SOCKET = 107
"""sun_path of unix(7) has 108 bytes, the last one a zero."""
REMAPPED_ID = 1_800_000_000
"""What root in a container is on the machine where ids are mapped; its other ids are the next ones."""


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """The folders of the node `name`: `state` outlives a boot, `runtime` does not."""

    name: str
    state: Path
    runtime: Path

    @property
    def record(self) -> Path:
        return self.state / "node.json"

    @property
    def engine_root(self) -> Path:
        return self.state / "docker"

    def volumes(self, *, remapped: bool) -> Path:
        """An engine that maps ids keeps all it has in a folder of that name."""
        root = self.engine_root / f"{REMAPPED_ID}.{REMAPPED_ID}" if remapped else self.engine_root
        return root / "volumes"

    @property
    def proxies(self) -> Path:
        """A folder for each run's proxy, named after its place; see `run_proxy`."""
        return self.state / "proxies"

    @property
    def socket(self) -> Path:
        return self.runtime / "docker.sock"

    @property
    def app_socket(self) -> Path:
        """The engine's socket as an app gets it that is trusted with it: the ids of containers own it."""
        return self.runtime / "app.sock"

    @property
    def remapped(self) -> bool:
        """Whether the node, while it is up, maps the ids of its containers."""
        return self.remapped_mark.exists()

    @property
    def owner(self) -> Path:
        """Names the state folder that the node is up from."""
        return self.runtime / "owner"

    @property
    def remapped_mark(self) -> Path:
        return self.runtime / "remapped"

    @property
    def filtered_socket(self) -> Path:
        """What runs' proxies see of the engine; its folder is what they mount."""
        return self.runtime / "filtered" / "docker.sock"

    @property
    def containerd_socket(self) -> Path:
        return self.runtime / "containerd.sock"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def network_namespace(self) -> Path:
        return Path("/run/netns") / f"cc-ci-{self.name}"

    @property
    def upstream_namespace(self) -> Path:
        return Path("/run/netns") / f"cc-ci-{self.name}-up"

    @property
    def mount_namespace(self) -> Path:
        return self.runtime / "ns" / "mnt"

    @property
    def engine_namespace(self) -> Path:
        """Mounts of the engine: the node's own, and the programs of the engine over the machine's."""
        return self.runtime / "ns" / "engine"

    @property
    def cgroup(self) -> str:
        return f"/cc-ci/{self.name}"

    def link(self, kind: str) -> str:
        """The name of a network interface, which has 15 characters at most."""
        return f"cc{kind}-{hashlib.sha256(self.name.encode()).hexdigest()[:8]}"


def places(name: str) -> Places:
    """The places of a node. Raises UsageError for a name that can't be one."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,15}", name):
        raise UsageError(f"node {name!r}: not a name; it has 1 to 16 of a-z, 0-9 and -")
    found = Places(name=name, state=state_root() / "nodes" / name, runtime=runtime_root() / name)
    if len(str(found.containerd_socket)) + len(".ttrpc") > LONGEST_SOCKET:
        raise UsageError(f"{found.runtime}: too long a path for a socket; set CC_CI_RUNTIME to a shorter one")
    return found
