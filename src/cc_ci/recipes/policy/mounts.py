"""Mounts of a service, and the volumes of a stack."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cc_ci.recipes.policy.looking import Look
from cc_ci.recipes.policy.names import taken_name
from cc_ci.recipes.policy.refusals import Refusal
from cc_ci.recipes.policy.services import host_path

ENGINE_SOCKETS = frozenset({"/run/docker.sock", "/var/run/docker.sock"})
TMPFS_OPTIONS = frozenset({"size", "mode", "uid", "gid", "noexec", "nosuid", "nodev"})
OWN_PROPAGATION = frozenset({"private", "rprivate"})


def mounts(look: Look, key: str, _service: str, value: Sequence[Mapping[str, Any]]) -> Iterator[Refusal]:
    for mount in value:
        yield from _mount(look, f"{key}.{mount.get('target', '')}", mount)


def _mount(look: Look, key: str, mount: Mapping[str, Any]) -> Iterator[Refusal]:
    source = mount.get("source", "")
    if mount["type"] == "bind":
        yield from _bind(look, key, mount)
    elif mount["type"] == "npipe":
        yield look.needs(f"npipe:{source}", key, f"mounts {source}, a pipe of the host")
    elif mount["type"] == "cluster":
        yield look.needs(f"cluster-volume:{source}", key, f"mounts {source}, which belongs to the cluster")


def _bind(look: Look, key: str, mount: Mapping[str, Any]) -> Iterator[Refusal]:
    path = host_path(mount["source"])
    own = path.removeprefix(f"{look.app.recipe.root}/")
    shown = path if own == path else f"./{own}"
    if path == str(look.app.recipe.root):
        shown = "./."
    whose = "of the host" if shown == path else "of the recipe, which no server has"
    if path in ENGINE_SOCKETS:
        yield look.needs("engine-socket", key, f"binds {path}: whoever has it is root on the node")
    elif mount.get("read_only"):
        yield look.needs(f"bind:{shown}", key, f"binds {shown} {whose}")
    else:
        yield look.needs(f"bind-writable:{shown}", key, f"binds {shown} {whose}, to write to")
    propagation = mount.get("bind", {}).get("propagation", "private")
    if propagation not in OWN_PROPAGATION:
        what = f"propagates mounts ({propagation}) between the host and the container"
        yield look.needs(f"bind-propagation:{shown}", key, what)


def volume_driver(look: Look, key: str, _volume: str, value: str) -> Iterator[Refusal]:
    if value != "local":
        yield look.needs(f"volume-driver:{value}", key, f"is {value}, a plug-in of the engine")


def cluster_volume(look: Look, key: str, volume: str, _value: Any) -> Iterator[Refusal]:
    """The one extension that docker's loader does not pass over (cli/compose/types, VolumeConfig)."""
    yield look.needs(f"cluster-volume:{volume}", key, "makes a volume of the cluster, which outlives the run")


def volume_options(look: Look, key: str, volume: str, value: Mapping[str, str]) -> Iterator[Refusal]:
    if not _is_plain_tmpfs(value):
        options = ",".join(f"{name}={text}" for name, text in sorted(value.items()))
        what = f"mount what they name into the volume: {options}"
        yield look.needs(f"volume-options:{volume}:{options}", key, what)


def _is_plain_tmpfs(options: Mapping[str, str]) -> bool:
    """Memory of the container's own, whatever it is called."""
    words = {word.partition("=")[0] for word in options.get("o", "").split(",") if word}
    return options.get("type") == "tmpfs" and words <= TMPFS_OPTIONS


def volume_names(look: Look) -> Iterator[Refusal]:
    for key, volume in look.stack.volumes.items():
        yield from taken_name(look, f"volumes.{key}", "volume", volume.name, external=volume.external)
