"""Files that are kept as they are: no secret was taken out of them, and who passes them on should know."""

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath

PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".webm", ".mp4", ".pdf")
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar")
MOST = 1000


def is_unredacted(name: str) -> bool:
    """Whether a file of that name is kept as it is, for it has no text to look through."""
    return PurePath(name).suffix.lower() in (*PICTURES, *ARCHIVES)


def unredacted(run: Path, folders: Iterable[str]) -> tuple[str, ...]:
    """Such files below these folders of a run, as paths within it; no more than MOST."""
    found = sorted(str(path.relative_to(run)) for folder in folders for path in _pictured(run / folder))
    return tuple(found[:MOST])


def _pictured(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if is_unredacted(path.name))
