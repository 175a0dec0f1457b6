"""A recipe's repository or folder, read as it stands; nothing in it is run."""

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from cc_ci.errors import UsageError
from cc_ci.recipes.abra_sh import Script, read_script
from cc_ci.recipes.env_sample import Assignment, read_assignments
from cc_ci.recipes.faults import RecipeError, Source

ENV_SAMPLE, ABRA_SH, COMPOSE = ".env.sample", "abra.sh", "compose.yml"


# it becomes part of labels, domains and paths
NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]*")


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """The files of one version of a recipe. `compose_files` are all there are, the base first."""

    name: str
    root: Path
    env_sample: str
    assignments: tuple[Assignment, ...]
    script: Script
    compose_files: tuple[Path, ...]

    @property
    def exports(self) -> Mapping[str, str]:
        return self.script.exports

    @property
    def functions(self) -> tuple[str, ...]:
        return self.script.functions

    def assignment(self, key: str) -> Assignment | None:
        """The line of .env.sample that sets `key`, or else the one that is commented out."""
        found = [assignment for assignment in self.assignments if assignment.key == key]
        return next((one for one in found if not one.off), found[0] if found else None)


def read_recipe(root: Path) -> Recipe:
    """Read a recipe. Raises UsageError where there is none, RecipeError for what can't be understood."""
    if not root.is_dir():
        raise UsageError(f"{root}: no such folder; give the path of a recipe")
    root = root.resolve()
    compose_files = _compose_files(root)
    if not compose_files:
        raise UsageError(f"{root}: no recipe, it has no {COMPOSE}")
    env_sample = read_text(root, ENV_SAMPLE)
    assignments = read_assignments(env_sample)
    return Recipe(
        name=_name(root, assignments),
        root=root,
        env_sample=env_sample,
        assignments=assignments,
        script=read_script(read_text(root, ABRA_SH)),
        compose_files=compose_files,
    )


def _compose_files(root: Path) -> tuple[Path, ...]:
    names = (path for path in root.rglob("compose*.y*ml") if path.is_file() and ".git" not in path.parts)
    return tuple(
        sorted(names, key=lambda path: (path != root / COMPOSE, len(path.relative_to(root).parts), path))
    )


def _name(root: Path, assignments: tuple[Assignment, ...]) -> str:
    kind = next((one for one in assignments if one.key in ("TYPE", "RECIPE") and not one.off), None)
    name = kind.value.partition(":")[0] if kind else ""
    if kind and name and not NAME.fullmatch(name):
        fault = f"{kind.key}: {name!r} is no recipe's name; it has letters, digits, dots, - and _"
        raise RecipeError(fault, source=Source(file=ENV_SAMPLE, line=kind.line))
    return name or root.name


def read_text(root: Path, name: str) -> str:
    """A file of the recipe, empty if it is not there. Raises RecipeError if it lies outside or is no text."""
    path = inside(root, name)
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ""
    except (UnicodeDecodeError, OSError) as error:
        raise RecipeError(f"can't be read: {error}", source=Source(file=name, line=1)) from None


def inside(root: Path, name: str | Path) -> Path:
    """The path of `name` in the recipe, links followed. Raises RecipeError if that leads out of it."""
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()):
        raise RecipeError(f"{name}: outside of the recipe, so it is not read; put the file into the recipe")
    return path
