"""What a sandbox left in its evidence folder, made fit for keeping."""

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

from cc_ci.suite.protocol import BROWSER_FOLDER, LOG_FILE, REPORT_FILE
from cc_ci.system.units import Bytes

TEXT_LIMIT: Bytes = 8 * 1024 * 1024
_PICTURES = {".png"}


def prepare(folder: Path, *, uid: int | None) -> None:
    """Make the folder `uid`'s own, without what an earlier run left: old lines must not pass for new ones."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (REPORT_FILE, LOG_FILE):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / BROWSER_FOLDER, ignore_errors=True)
    if uid is not None:
        os.chown(folder, uid, uid)


def settle(folder: Path, *, redact: Callable[[str], str]) -> None:
    """Keep plain files only, redact all but pictures, and give everything to cc-ci's own user.

    A link or a pipe that a test made would lead or hang whoever reads the evidence later.
    """
    for parent, folders, files in os.walk(folder, topdown=False):
        for name in (*folders, *files):
            _settle(Path(parent) / name, redact=redact)
    _own(folder)


def _settle(path: Path, *, redact: Callable[[str], str]) -> None:
    mode = path.lstat().st_mode
    if stat.S_ISDIR(mode):
        _own(path)
    elif not stat.S_ISREG(mode):
        path.unlink()
    else:
        _own(path)
        if path.suffix not in _PICTURES:
            _redact(path, redact)


def _own(path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(path, 0, 0, follow_symlinks=False)
        path.chmod(0o755 if path.is_dir() else 0o644)


def _redact(path: Path, redact: Callable[[str], str]) -> None:
    with path.open("r+", encoding="utf-8", errors="replace", newline="") as stream:
        kept = redact(stream.read(TEXT_LIMIT))
        stream.seek(0)
        stream.truncate()
        stream.write(kept)
