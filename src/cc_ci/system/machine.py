"""What this machine has that cc-ci could use: looked up without changing anything."""

import os
import platform
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from cc_ci.errors import CommandFailed
from cc_ci.system.files import state_root
from cc_ci.system.process import Runner
from cc_ci.system.units import Bytes, Seconds

TOOLS = (
    *("dockerd", "containerd", "runc", "iptables", "ip", "tc", "nsenter", "dnsmasq", "docker-registry"),
    *("debootstrap", "slirp4netns", "bwrap", "restic", "git", "certutil", "abra"),
)
BROWSERS = ("chromium", "google-chrome", "google-chrome-stable")
VERSION_FLAGS: Mapping[str, tuple[str, ...]] = {
    "ip": ("-V",),
    "tc": ("-V",),
    "restic": ("version",),
    "certutil": (),
}
CURRENT_ENGINE = 28
"""The first that looks at a health check every 5 s until its start_period has passed."""
ANSWER_TIMEOUT: Seconds = 20.0


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A program on PATH; `version` is None where it does not say."""

    path: str
    version: str | None = None


def memory_bytes() -> Bytes:
    """All of this machine's memory."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Facts about one machine. `tools` holds those that were found, `disk_path` is where state is kept."""

    system: str
    kernel: str
    python: str
    root: bool
    cpus: int
    memory_bytes: Bytes
    disk_free_bytes: Bytes
    disk_path: str
    tools: Mapping[str, Tool]
    docker_clients: tuple[Tool, ...]
    browser: Tool | None
    cgroup: Literal["v1", "hybrid", "v2"]
    controllers: frozenset[str]
    ipvs: bool
    overlay: bool
    psi: bool
    user_namespaces: bool


def look(*, runner: Runner) -> Machine:
    """Collect the facts; asks each tool for its version, which takes about a second in all."""
    disk = _existing(state_root())
    return Machine(
        system=platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()),
        kernel=platform.release(),
        python=platform.python_version(),
        root=os.geteuid() == 0,
        cpus=len(os.sched_getaffinity(0)),
        memory_bytes=memory_bytes(),
        disk_free_bytes=shutil.disk_usage(disk).free,
        disk_path=str(disk),
        tools={name: tool for name in TOOLS if (tool := _tool(name, runner=runner))},
        docker_clients=tuple(_docker_clients(runner=runner)),
        browser=next(filter(None, (_tool(name, runner=runner) for name in BROWSERS)), None),
        cgroup=_cgroup(),
        controllers=_controllers(),
        ipvs=_module("ip_vs", Path("/proc/net/ip_vs").exists(), runner=runner),
        overlay=_module("overlay", "overlay" in Path("/proc/filesystems").read_text().split(), runner=runner),
        psi=Path("/proc/pressure/cpu").exists(),
        user_namespaces=_answers(("unshare", "--user", "--map-root-user", "true"), runner=runner) is not None,
    )


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def _tool(name: str, *, runner: Runner) -> Tool | None:
    path = shutil.which(name)
    return _versioned(name, path, runner=runner) if path else None


def _versioned(name: str, path: str, *, runner: Runner) -> Tool:
    flags = VERSION_FLAGS.get(name, ("--version",))
    said = _answers((path, *flags), runner=runner) if flags else None
    found = re.search(r"\d+(\.\d+)+", said or "")
    return Tool(path=path, version=found[0] if found else None)


def _answers(argv: tuple[str, ...], *, runner: Runner) -> str | None:
    """What a program says, or None where it can't be run or fails."""
    try:
        completed = runner(argv, timeout=ANSWER_TIMEOUT)
    except CommandFailed:
        return None
    return completed.stdout + completed.stderr if completed.ok else None


def engine_version(*, runner: Runner) -> str | None:
    """Of this machine's own dockerd, whether it runs or not; None where there is none."""
    found = _tool("dockerd", runner=runner)
    return found.version if found else None


def is_current(version: str | None) -> bool:
    """Whether an engine is one as operators have it today."""
    found = re.match(r"\d+", version or "")
    return found is not None and int(found[0]) >= CURRENT_ENGINE


def _docker_clients(*, runner: Runner) -> Iterator[Tool]:
    seen = set()
    for folder in os.get_exec_path():
        path = shutil.which("docker", path=folder)
        if path and (real := os.path.realpath(path)) not in seen:
            seen.add(real)
            yield _versioned("docker", path, runner=runner)


def _cgroup() -> Literal["v1", "hybrid", "v2"]:
    root = Path("/sys/fs/cgroup")
    if (root / "cgroup.controllers").exists():
        return "v2"
    return "hybrid" if (root / "unified" / "cgroup.controllers").exists() else "v1"


def _controllers() -> frozenset[str]:
    unified = Path("/sys/fs/cgroup/cgroup.controllers")
    if unified.exists():
        return frozenset(unified.read_text().split())
    rows = [line.split() for line in Path("/proc/cgroups").read_text().splitlines()[1:]]
    return frozenset(name for name, _hierarchy, _groups, enabled in rows if enabled == "1")


def _module(name: str, loaded: bool, *, runner: Runner) -> bool:  # noqa: FBT001 - a fact, not a switch
    """Whether a kernel module is there or could be loaded; it is not loaded here."""
    return loaded or _answers(("modprobe", "--dry-run", "--quiet", name), runner=runner) is not None
