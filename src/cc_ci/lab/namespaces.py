"""A node's namespaces: its own network and its own view of a few files. The host's are left as they are."""

import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path

from cc_ci.lab.places import Places
from cc_ci.system.process import Runner, check

HIDDEN = ("/etc/docker", "/var/lib/docker")
"""The machine's own engine has its files there; the node sees empty folders instead. So it is with /run,
where sockets of the machine's services are: a recipe may ask for any of them."""


def inside(node: Places, *, engine: bool = False) -> tuple[str, ...]:
    """A prefix that runs a program in the node's namespaces; with `engine`, where a kept engine's are."""
    mounts = node.engine_namespace if engine else node.mount_namespace
    return ("nsenter", f"--net={node.network_namespace}", f"--mount={mounts}", "--")


def in_network(namespace: Path) -> tuple[str, ...]:
    return ("nsenter", f"--net={namespace}", "--")


def make_network_namespace(path: Path, runner: Runner) -> None:
    """Make a network namespace with its loopback up, unless it is there."""
    if not is_mounted(path):
        path.unlink(missing_ok=True)  # left by a reboot
        check(runner(["ip", "netns", "add", path.name]), what=f"network namespace {path.name}")
    check(runner([*in_network(path), "ip", "link", "set", "lo", "up"]))


def remove_network_namespace(path: Path, runner: Runner) -> None:
    """Remove it with what runs in it, be it on record or not."""
    if path.exists():
        for pid in runner(["ip", "netns", "pids", path.name]).stdout.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        check(runner(["ip", "netns", "delete", path.name]), what=f"network namespace {path.name}")


def link(  # one end each, and the name that the end has
    runner: Runner,
    *,
    near: tuple[tuple[str, ...], str, str],
    far: tuple[Path, str, tuple[str, ...]],
    prefix: int,
) -> None:
    """Join two namespaces by a pair of interfaces with addresses; does nothing where it is there.

    `near` is (the prefix that enters it, interface, address), `far` (namespace, interface, addresses).
    """
    enter, near_name, near_address = near
    namespace, far_name, far_addresses = far
    inside_far = in_network(namespace)
    if not runner([*inside_far, "ip", "link", "show", far_name]).ok:
        # one end without the other is on its way out with a namespace that is gone
        runner([*enter, "ip", "link", "delete", near_name])
        peer = ["type", "veth", "peer", "name", far_name, "netns", namespace.name]
        check(runner([*enter, "ip", "link", "add", near_name, *peer]), what=f"link {near_name}")
    _address(runner, enter, near_name, (near_address,), prefix=prefix)
    _address(runner, inside_far, far_name, far_addresses, prefix=prefix)


def _address(
    runner: Runner, enter: tuple[str, ...], name: str, addresses: tuple[str, ...], *, prefix: int
) -> None:
    for address in addresses:
        replace = ["ip", "address", "replace", f"{address}/{prefix}", "dev", name]
        check(runner([*enter, *replace]), what=f"address {address}")
    check(runner([*enter, "ip", "link", "set", name, "up"]))


def remove_link(name: str, runner: Runner) -> None:
    if runner(["ip", "link", "show", name]).ok:
        check(runner(["ip", "link", "delete", name]), what=f"link {name}")


def make_mount_namespace(node: Places, runner: Runner, *, files: Mapping[str, str]) -> None:
    """Make the node's mount namespace, unless it is there, and see that it has `files` (path -> content).

    In it they lie over the machine's own, its engine's folders are empty, /run has only the node's things
    (and the node's socket where an engine's usually is), and the node's volumes are where an operator has
    them, so that a backup made in it has the paths that theirs have.
    """
    _make(node, node.mount_namespace, runner, script=_mounts(node))
    for path, content in files.items():
        _lay_over(node, node.mount_namespace, runner, path=path, content=content)


def make_engine_namespace(node: Places, runner: Runner, *, root: Path, files: Mapping[str, str]) -> None:
    """Make the mount namespace of an engine from `root`, unless it is there.

    It is as the node's own, with the /usr of `root` over the machine's. So the engine finds its programs and
    their libraries, and all else, such as what recipes bind, stays the machine's.
    """
    script = f"{_mounts(node)}\nmount --bind {root}/usr /usr"
    _make(node, node.engine_namespace, runner, script=script)
    for path, content in files.items():
        _lay_over(node, node.engine_namespace, runner, path=path, content=content)


def _make(node: Places, namespace: Path, runner: Runner, *, script: str) -> None:
    if is_mounted(namespace):
        return
    holder = namespace.parent
    holder.mkdir(parents=True, exist_ok=True)
    if not is_mounted(holder):
        # a namespace can only be kept on a mount that nobody shares
        check(runner(["mount", "--bind", str(holder), str(holder)]))
        check(runner(["mount", "--make-private", str(holder)]))
    namespace.touch()
    node.volumes(remapped=node.remapped).mkdir(parents=True, exist_ok=True)
    for folder in HIDDEN:
        Path(folder).mkdir(parents=True, exist_ok=True)
    unshare = ["unshare", f"--mount={namespace}", "--propagation", "slave", "--"]
    check(runner([*unshare, "sh", "-e", "-c", script]), what=f"mount namespace {namespace.name}")


def _mounts(node: Places) -> str:
    new_run = node.runtime / "new-run"
    lines = [f"mount -t tmpfs -o mode=755 cc-ci {folder}" for folder in HIDDEN]
    volumes = node.volumes(remapped=node.remapped)
    lines += ["mkdir /var/lib/docker/volumes", f"mount --bind {volumes} /var/lib/docker/volumes"]
    if node.runtime.is_relative_to("/run"):
        lines += [
            f"mkdir -p {new_run}",
            f"mount -t tmpfs -o mode=755 cc-ci {new_run}",
            f"mkdir -p {new_run}/{node.runtime.relative_to('/run')}",
            f"mount --bind {node.runtime} {new_run}/{node.runtime.relative_to('/run')}",
            f"ln -s {node.app_socket} {new_run}/docker.sock",
            f"mount --no-mtab --move {new_run} /run",
        ]
    return "\n".join(lines)


def _lay_over(node: Places, namespace: Path, runner: Runner, *, path: str, content: str) -> None:
    """Put a file over the machine's; again where the machine has replaced its own, which undoes a mount."""
    enter = ("nsenter", f"--mount={namespace}", "--")
    if runner([*enter, "cat", path]).stdout == content:
        return
    source = node.runtime / Path(path).name
    source.write_text(content)
    script = f"umount {path} 2>/dev/null || true; mount --bind {source} $(readlink -f {path})"
    check(runner([*enter, "sh", "-e", "-c", script]), what=f"{path} of node {node.name}")


def remove_mount_namespace(node: Places, runner: Runner) -> None:
    for mounted in (node.engine_namespace, node.mount_namespace, node.mount_namespace.parent):
        if is_mounted(mounted):
            check(runner(["umount", str(mounted)]), what=f"umount {mounted}")


def is_mounted(path: Path) -> bool:
    """Whether something is mounted there: a namespace that is kept, say."""
    points = (line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())
    return str(path) in points
