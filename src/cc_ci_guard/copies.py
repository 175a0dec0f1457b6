"""A changed copy of a recipe: a git repository with both versions tagged, as an author publishes them."""

import os
import shutil
from pathlib import Path

from cc_ci_guard.changes import Change, apply, versions
from cc_ci_guard.programs import said_by

FIRST_COMMIT = 1_700_000_000
"""Made up, a day apart, so that the same change gives the same commits."""
WHO = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "guard",
    "GIT_AUTHOR_EMAIL": "guard@localhost",
    "GIT_COMMITTER_NAME": "guard",
    "GIT_COMMITTER_EMAIL": "guard@localhost",
}


def make_copy(source: Path, change: Change | None, target: Path) -> Path:
    """Make the copy at `target`, which is not there yet; its last folder is the recipe's name.

    `change` None: an unedited twin. Raises GuardUsageError where a change does not fit.
    """
    target.mkdir(parents=True)
    _git(target, "init", "--quiet", "--initial-branch=main", when=FIRST_COMMIT)
    old, new = versions(source)
    _release(target, old, change, version="old", when=FIRST_COMMIT)
    _release(target, new, change, version="new", when=FIRST_COMMIT + 86_400)
    return target


def _release(target: Path, folder: Path, change: Change | None, *, version: str, when: int) -> None:
    for entry in target.iterdir():
        if entry.name == ".git":
            continue
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    shutil.copytree(folder, target, dirs_exist_ok=True)
    if change is not None:
        apply(change, target, version="old" if version == "old" else "new")
    # git takes a file of equal size and stamp for unchanged
    _git(target, "read-tree", "--empty", when=when)
    _git(target, "add", "--all", "--force", when=when)
    _git(target, "commit", "--quiet", "--message", f"release {folder.name}", when=when)
    _git(target, "tag", "--annotate", "--message", folder.name, folder.name, when=when)


def _git(folder: Path, *arguments: str, when: int) -> None:
    date = f"{when} +0000"
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    said_by(["git", "-C", str(folder), *arguments], env={**WHO, **dates})
