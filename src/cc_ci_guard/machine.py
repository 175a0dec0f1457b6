"""What a node has on the machine beside its engine: processes, namespaces, mounts, rules, files, locks."""

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from cc_ci_guard.census import Taken, Thing
from cc_ci_guard.engine import Asked, realms, things
from cc_ci_guard.errors import GuardBlindError

Said = Callable[[Sequence[str]], str]
"""Runs a program and gives what it said; raises GuardBlindError."""
ENGINES_OWN = frozenset({"docker", "containerd", "exec", "logs"})
"""Folders of a node that its engine fills: the engine itself says what is in them."""
DEEPEST = 3
TABLES = ("filter", "nat", "mangle")


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Where a node's things are, by cc-ci's documents; tests have folders of their own."""

    node: str
    state: Path
    runtime: Path
    proc: Path = Path("/proc")
    netns: Path = Path("/run/netns")
    temporary: Path = Path("/tmp")  # noqa: S108 - it is looked at, and nothing is made there

    @property
    def socket(self) -> Path:
        return self.runtime / self.node / "docker.sock"

    @property
    def names(self) -> tuple[str, ...]:
        """What in a path or an argument says that it is this node's."""
        folders = (
            self.state / "nodes" / self.node,
            self.runtime / self.node,
            self.netns / f"cc-ci-{self.node}",
        )
        return tuple(f"{folder}" for folder in folders)


def take(places: Places, *, ask: Asked, said: Said, now: float) -> Taken:
    """A census of a node and of what it has on this machine. Raises GuardBlindError without an engine."""
    found = [*things(ask, now=now)]
    of_providers, unseen = realms(ask)
    found += of_providers
    for look in (_processes, _namespaces, _mounts, _files, _locks):
        found += look(places, now)
    missing = list(unseen)
    for what, ways in (("links and routes", _network), ("firewall rules", _firewall)):
        try:
            found += ways(places, said)
        except GuardBlindError as error:
            missing.append(f"{what}: {error.message}")
    return Taken(node=places.node, things=tuple(found), unseen=tuple(missing))


def _processes(places: Places, now: float) -> Iterator[Thing]:  # noqa: ARG001 - as its neighbours
    """Those in the node's group, and those whose arguments name its folders."""
    uptime = _uptime(places)
    for folder in sorted(places.proc.glob("[0-9]*")):
        try:
            group = (folder / "cgroup").read_text()
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            stat = (folder / "stat").read_text()
        except OSError:
            continue  # it has ended meanwhile
        mine = f"/cc-ci/{places.node}/" in group.replace("\n", "/\n") or _names_it(places, words)
        if words and mine:
            started = int(stat.rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
            yield Thing(kind="process", name=words[:200], age=max(0.0, uptime - started))


def _uptime(places: Places) -> float:
    return float((places.proc / "uptime").read_text().split()[0])


def _names_it(places: Places, text: str) -> bool:
    """Whether a folder of the node is named, and not one whose name only begins so."""
    return any(f"{name}{end}" in f"{text} " for name in places.names for end in ("/", " ", "-up"))


def _namespaces(places: Places, now: float) -> Iterator[Thing]:
    for path in _children(places.netns):
        if path.name == f"cc-ci-{places.node}" or path.name.startswith(f"cc-ci-{places.node}-"):
            yield Thing(kind="namespace", name=path.name, age=_file_age(path, now))


def _mounts(places: Places, now: float) -> Iterator[Thing]:  # noqa: ARG001 - as its neighbours
    for line in (places.proc / "self" / "mountinfo").read_text().splitlines():
        place = line.split()[4]
        if _names_it(places, place):
            yield Thing(kind="mount", name=place)


def _files(places: Places, now: float) -> Iterator[Thing]:
    for root in (places.state / "nodes" / places.node, places.runtime / places.node):
        yield from _below(root, now, depth=1)
    held = _held(places)
    shared = [*_children(places.state / "scratch"), *_children(places.temporary)]
    for path in shared:
        of_ours = path.parent != places.temporary or path.name.startswith("cc-ci")
        if of_ours and _inode(path) not in held:
            yield Thing(kind="file", name=str(path), owner=_run_of(path), age=_file_age(path, now))


def _run_of(path: Path) -> str | None:
    """A scratch folder has the name of its run."""
    return path.name if re.search(r"-\d{8}-\d{6}-", path.name) else None


def _below(folder: Path, now: float, *, depth: int) -> Iterator[Thing]:
    for path in _children(folder):
        if path.name in ENGINES_OWN or path.suffix == ".lock":
            continue
        yield Thing(kind="file", name=str(path), age=_file_age(path, now))
        if depth < DEEPEST and path.is_dir() and not path.is_symlink():
            yield from _below(path, now, depth=depth + 1)


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _file_age(path: Path, now: float) -> float | None:
    try:
        return max(0.0, now - path.lstat().st_mtime)
    except OSError:
        return None


def _locks(places: Places, now: float) -> Iterator[Thing]:
    """Locks that somebody holds; the files of those that nobody holds stay, and are no residue."""
    held = _held(places)
    # other nodes have theirs beside it
    for path in [places.runtime / f"{places.node}.lock", *_children(places.runtime / places.node)]:
        if path.suffix == ".lock" and _inode(path) in held:
            yield Thing(kind="lock", name=str(path), age=_file_age(path, now))


def _held(places: Places) -> set[str]:
    """Inodes of files and folders that somebody holds a lock on: a run that lives holds its own folder."""
    return {line.split()[5].rpartition(":")[2] for line in (places.proc / "locks").read_text().splitlines()}


def _inode(path: Path) -> str | None:
    try:
        return str(path.lstat().st_ino)
    except OSError:
        return None


def _inside(places: Places, *argv: str) -> list[str]:
    return ["nsenter", f"--net={places.netns / f'cc-ci-{places.node}'}", *argv]


def _network(places: Places, said: Said) -> Iterator[Thing]:
    for link in json.loads(said(_inside(places, "ip", "-json", "link", "show")) or "[]"):
        yield Thing(kind="link", name=str(link["ifname"]))
    for route in json.loads(said(_inside(places, "ip", "-json", "route", "show")) or "[]"):
        yield Thing(kind="route", name=f"{route['dst']} by {route.get('dev')}")


def _firewall(places: Places, said: Said) -> Iterator[Thing]:
    for table in TABLES:
        for line in said(_inside(places, "iptables-save", "-t", table)).splitlines():
            if line.startswith("-A "):
                yield Thing(kind="firewall rule", name=f"{table}: {line}")


def now() -> float:
    return time.time()
