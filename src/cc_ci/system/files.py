"""Files written whole or not at all, and where cc-ci keeps its own."""

import itertools
import os
import tempfile
from pathlib import Path

STATE_VARIABLE = "CC_CI_STATE"
RUNTIME_VARIABLE = "CC_CI_RUNTIME"


def state_root() -> Path:
    """Where what outlives a boot is kept: data-roots, images, recipes' repositories, results."""
    return Path(os.environ.get(STATE_VARIABLE) or _default("/var/lib/cc-ci", "~/.local/state/cc-ci"))


def runtime_root() -> Path:
    """Where sockets, pidfiles and namespaces are; short, since a socket's path ends at 107 bytes."""
    return Path(os.environ.get(RUNTIME_VARIABLE) or _default("/run/cc-ci", "~/.cache/cc-ci/run"))


def _default(for_root: str, for_others: str) -> Path:
    return Path(for_root) if os.geteuid() == 0 else Path(for_others).expanduser()


def write_atomic(path: Path, content: str | bytes, *, mode: int = 0o644) -> None:
    """Replace `path` by `content` in one step: a reader sees the old file or the new one, never a part."""
    payload = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    # a short name: that of the file may be as long as names can be
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".cc-ci-")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(payload)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600


def private_folder(folder: Path) -> Path:
    """Make a folder its owner's alone, whatever the umask; likewise those above it that are not there yet."""
    missing = itertools.takewhile(lambda above: not above.exists(), folder.parents)
    for one in (*reversed([*missing]), folder):
        one.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        one.chmod(PRIVATE_FOLDER)
    return folder


def write_private(path: Path, content: str | bytes) -> None:
    """As `write_atomic`, for its owner's eyes alone: the file, and the folder that it is in."""
    private_folder(path.parent)
    write_atomic(path, content, mode=PRIVATE_FILE)


def append_private(path: Path, text: str) -> None:
    private_folder(path.parent)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, PRIVATE_FILE)
    with os.fdopen(descriptor, "a", errors="replace") as stream:
        os.fchmod(descriptor, PRIVATE_FILE)
        stream.write(text)


def free_name(root: Path, name: str) -> Path:
    """What has that name below `root`, numbered where there is one already."""
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    return next(root / name for name in names if not (root / name).exists())
