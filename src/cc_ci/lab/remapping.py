"""Root in a container is nobody on the machine: the ids that a node's containers get.

The engine maps the ids of all its containers to a range that owns nothing. What a container may do by a
capability, it may then do to its own namespaces only: it can't mount a control group's tree, load a module or
open a device. The engine finds the range by a user's name in files that only the node sees.
"""

from pathlib import Path

from cc_ci.lab.places import REMAPPED_ID, Places

USER = "cc-ci-remap"
COUNT = 1 << 24
"""More than the usual 65536: directories and some images have ids beyond those."""

_FILES = {
    "/etc/passwd": f"root:x:0:0::/root:/bin/sh\n{USER}:x:{REMAPPED_ID}:{REMAPPED_ID}::/:/bin/false\n",
    "/etc/group": f"root:x:0:\n{USER}:x:{REMAPPED_ID}:\n",
    "/etc/subuid": f"{USER}:{REMAPPED_ID}:{COUNT}\n",
    "/etc/subgid": f"{USER}:{REMAPPED_ID}:{COUNT}\n",
}


def files() -> dict[str, str]:
    """What the node has in the place of the machine's files: the engine looks its user up in them."""
    return dict(_FILES)


def keep(node: Places, *, mapped: bool) -> None:
    """Write down what holds from now on until the node goes down."""
    node.runtime.mkdir(parents=True, exist_ok=True)
    if mapped:
        node.remapped_mark.touch()
    else:
        node.remapped_mark.unlink(missing_ok=True)


def hindrance(node: Places, *, proc: Path = Path("/proc"), etc: Path = Path("/")) -> str | None:
    """Why this machine can't map ids, with a remedy; None if it can."""
    most = _text(proc / "sys/user/max_user_namespaces")
    if not (proc / "self/ns/user").exists() or (most or "0").strip() == "0":
        return "this kernel has no user namespaces, or /proc/sys/user/max_user_namespaces is 0"
    if not _maps_all(_text(proc / "self/uid_map") or ""):
        return "cc-ci runs in a user namespace itself, which has no ids to spare"
    absent = [path for path in _FILES if not (etc / path.lstrip("/")).exists()]
    if absent:
        return f"{absent[0]}: missing; `touch {' '.join(absent)}` makes it"
    closed = [folder for folder in reversed(node.state.parents) if _is_closed(folder)]
    if closed:
        return f"{closed[0]}: closed to other users; `chmod o+x {closed[0]}` lets the engine's users pass"
    return None


def _maps_all(uid_map: str) -> bool:
    """Whether the range is among the ids of /proc/self/uid_map."""
    rows = [tuple(map(int, line.split())) for line in uid_map.splitlines()]
    return any(first <= REMAPPED_ID and first + count >= REMAPPED_ID + COUNT for first, _, count in rows)


def _is_closed(folder: Path) -> bool:
    return folder.is_dir() and not folder.stat().st_mode & 0o001


def _text(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None
