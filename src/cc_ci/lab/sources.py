"""Recipes that ship with cc-ci: a folder per version, made into a git repository with annotated tags."""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import cc_ci
from cc_ci.errors import InfrastructureError, UsageError
from cc_ci.system.files import state_root
from cc_ci.system.held import temporary_folder
from cc_ci.system.process import Runner, check

FIRST_COMMIT = 1_700_000_000
"""Dates are made up, a day apart, so that the same sources give the same commit ids everywhere."""

GIT_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "cc-ci",
    "GIT_AUTHOR_EMAIL": "cc-ci@localhost",
    "GIT_COMMITTER_NAME": "cc-ci",
    "GIT_COMMITTER_EMAIL": "cc-ci@localhost",
}


def lab_folder() -> Path:
    """Where the lab's images and recipes are: in the checkout, else in the installed package.

    Raises InfrastructureError when cc-ci was installed without them.
    """
    package = Path(cc_ci.__file__).resolve().parent
    checkout, shipped = package.parents[1] / "lab", package / "shipped" / "lab"
    found = next((folder for folder in (checkout, shipped) if (folder / "recipes").is_dir()), None)
    if found is None:
        raise InfrastructureError(
            f"{shipped}: missing, so there are no stand-in images and no recipes of cc-ci's own; "
            "`pip install .` in its checkout brings them"
        )
    return found


def names(*, recipes: Path | None = None) -> tuple[str, ...]:
    """The recipes that ship with cc-ci."""
    root = recipes or lab_folder() / "recipes"
    return tuple(sorted(folder.name for folder in root.iterdir() if folder.is_dir()))


def repository(name: str, *, runner: Runner, recipes: Path | None = None, into: Path | None = None) -> Path:
    """Return the repository of a shipped recipe, its work tree at the newest version.

    Its path holds a hash of its sources, so that one that stands is right, and is never changed.
    Raises UsageError for an unknown name.
    """
    source = (recipes or lab_folder() / "recipes") / name
    if not source.is_dir():
        raise UsageError(f"{name}: no such recipe here; there are {', '.join(names(recipes=recipes))}")
    target = (into or state_root() / "recipes") / _digest(source) / name
    if not target.is_dir():
        _publish(source, target, runner=runner)
    return target


def _publish(source: Path, target: Path, *, runner: Runner) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(root=target.parent) as scratch:
        built = scratch / target.name
        _build(source, built, runner=runner)
        try:
            built.rename(target)
        except OSError:
            # another run was first, with the same content
            if not target.is_dir():
                raise


def _build(source: Path, target: Path, *, runner: Runner) -> None:
    target.mkdir()
    _git(target, "init", "--quiet", "--initial-branch=main", runner=runner, when=FIRST_COMMIT)
    for day, version in enumerate(sorted(source.iterdir(), key=_version_key)):
        _empty(target)
        shutil.copytree(version, target, dirs_exist_ok=True)
        _release(target, version.name, when=FIRST_COMMIT + day * 86_400, runner=runner)


def _release(target: Path, version: str, *, when: int, runner: Runner) -> None:
    # files keep their sources' stamps, so an index that remembers stamps would miss a change of equal size
    _git(target, "read-tree", "--empty", runner=runner, when=when)
    _git(target, "add", "--all", runner=runner, when=when)
    _git(target, "commit", "--quiet", "--message", f"release {version}", runner=runner, when=when)
    _git(target, "tag", "--annotate", "--message", version, version, runner=runner, when=when)


def _git(folder: Path, *arguments: str, when: int, runner: Runner) -> None:
    date = f"{when} +0000"
    env = {**GIT_ENVIRONMENT, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    check(runner(["git", "-C", str(folder), *arguments], env=env), what=f"git {arguments[0]} in {folder}")


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.name == ".git":
            continue
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _version_key(folder: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", folder.name))


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in _files(folder):
        digest.update(f"{path.relative_to(folder)}\0{os.access(path, os.X_OK)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())
