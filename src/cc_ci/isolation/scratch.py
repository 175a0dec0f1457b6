"""Where a run keeps what it needs while it lasts, and what dead ones left there."""

from collections.abc import Collection, Iterator
from pathlib import Path

from cc_ci.lab.cgroups import NodeGroup
from cc_ci.system.files import runtime_root, state_root
from cc_ci.system.held import PREFIX, SUITE_PREFIX, is_abandoned, remove_abandoned, scratch_root


def scratch_folder(run: str) -> Path:
    return scratch_root() / run


def leftovers(*, only: str | None = None, spare: Collection[str] = ()) -> tuple[Path, ...]:
    """Folders on this machine that died with what made them: runs' scratch, suites' folders, passing ones.

    `only` names one run; `spare` names runs that live by their lease, wherever their process is.
    """
    return tuple(folder for folder in _folders(only) if folder.name not in spare and is_abandoned(folder))


def remove_leftovers(*, only: str | None = None, spare: Collection[str] = ()) -> tuple[Path, ...]:
    """Remove them, each unless somebody holds it by now; those that are gone."""
    return tuple(folder for folder in leftovers(only=only, spare=spare) if remove_abandoned(folder))


def remove_groups(group: NodeGroup) -> None:
    """End what still runs of dead suites, and remove their control groups; each has its folder's name.

    Comes before `remove_leftovers`: a group without a folder goes only if nothing runs in it.
    """
    for name in group.below("suite"):
        if is_abandoned(runtime_root() / name):
            group.remove_below("suite", name)
        elif not (runtime_root() / name).exists():
            group.remove_empty("suite", name)


def _folders(only: str | None) -> Iterator[Path]:
    if only is not None:
        yield scratch_folder(only)
        return
    yield from _in(scratch_root())
    yield from (folder for folder in _in(runtime_root()) if folder.name.startswith(SUITE_PREFIX))
    # shipped recipes are made into repositories beside where they will stay
    for recipe in _in(state_root() / "recipes"):
        yield from (folder for folder in _in(recipe) if folder.name.startswith(PREFIX))


def _in(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
