"""What all sandboxes of bubblewrap have in common: this machine's programs, read-only; pure argv."""

from collections.abc import Iterator
from pathlib import Path

_MERGED = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")


def bound(
    source: str | Path, target: str | Path | None = None, *, option: str = "--ro-bind"
) -> Iterator[str]:
    """Show `source` at `target`, by default at its own path."""
    place = Path(target or source)
    yield from folders(place.parent)
    yield from (option, str(source), str(place))


def folders(folder: Path) -> Iterator[str]:
    # bubblewrap makes missing parents 0700 and root's, which another uid could not pass
    for path in (*reversed(folder.parents), folder):
        if path != Path("/"):
            yield from ("--perms", "0755", "--dir", str(path))


def programs() -> Iterator[str]:
    """/usr, and where it is not merged the folders beside it."""
    yield from bound("/usr")
    for path in map(Path, _MERGED):
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), str(path))
        elif path.is_dir():
            yield from bound(path)
