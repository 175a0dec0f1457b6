"""Find the recipe that a run names: a folder, an address of a git repository, or a name."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from cc_ci.errors import UsageError
from cc_ci.lab.sources import names, repository
from cc_ci.recipes.recipe import NAME
from cc_ci.system.git import clone
from cc_ci.system.process import Runner
from cc_ci.system.suggesting import unknown

CREDENTIALS = re.compile(r"^([a-z+]+://)[^/@]*@")


def locate(asked: str, *, roots: Sequence[Path], scratch: Path, runner: Runner) -> Path:
    """The recipe's folder. A name is looked for in `roots`, among those that ship, and where abra has them.

    Raises UsageError that says where it was looked for.
    """
    if _is_address(asked):
        name = name_of(asked)
        if not NAME.fullmatch(name):
            raise UsageError(f"{asked}: {name!r} is no recipe's name; an address ends with one")
        target = scratch / "clone" / name
        clone(asked, target, runner=runner)
        return target
    if _is_folder(asked, roots):
        return Path(asked).resolve()
    found = _found(asked, roots)
    if found is None and asked in names():
        return repository(asked, runner=runner)
    found = found or _found(asked, [_abra_recipes()])
    if found is None:
        places = ", ".join(map(str, [*roots, _abra_recipes()]))
        raise unknown("recipe", asked, known_recipes(roots), mend=f"nor is it a folder, nor in {places}")
    return found


def known_recipes(roots: Sequence[Path]) -> tuple[str, ...]:
    """The names that `locate` finds without an address or a path."""
    folders = (path for root in (*roots, _abra_recipes()) if root.is_dir() for path in sorted(root.iterdir()))
    return tuple(dict.fromkeys([*names(), *(path.name for path in folders if path.is_dir())]))


def trust_keys(asked: str, root: Path, *, roots: Sequence[Path]) -> tuple[str, ...]:
    """By what a recipe found at `root` may be trusted: what the caller said, never what it calls itself.

    A name counts only where it was looked up: a folder can have any name.
    """
    if _is_address(asked):
        return (address_key(asked),)
    return (str(root),) if _is_folder(asked, roots) else (asked, str(root))


def address_key(asked: str) -> str:
    """The address of a repository without what does not change whose it is."""
    return CREDENTIALS.sub(r"\1", asked).rstrip("/").removesuffix(".git")


def name_of(asked: str) -> str:
    """The name that the recipe will have, before anything is looked for."""
    if _is_address(asked):
        return asked.rstrip("/").rpartition("/")[2].removesuffix(".git")
    return Path(asked).resolve().name


def _is_folder(asked: str, roots: Sequence[Path]) -> bool:
    """A name that is known otherwise is no folder, though there may be one called so."""
    return Path(asked).is_dir() and (os.sep in asked or not (asked in names() or _found(asked, roots)))


def _is_address(asked: str) -> bool:
    return "://" in asked or asked.startswith("git@")


def _found(name: str, roots: Sequence[Path]) -> Path | None:
    return next((root / name for root in roots if (root / name).is_dir()), None)


def _abra_recipes() -> Path:
    return Path(os.environ.get("ABRA_DIR", "~/.abra")).expanduser() / "recipes"
