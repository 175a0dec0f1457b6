"""A recipe's repository or folder, read as it stands; nothing in it is run."""

import fnmatch
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from cc_ci.errors import UsageError
from cc_ci.recipes.abra_sh import Script, read_script
from cc_ci.recipes.boundary import understanding
from cc_ci.recipes.env_sample import Assignment, read_assignments
from cc_ci.recipes.faults import RecipeError, Source
from cc_ci.system.printable import quoted
from cc_ci.system.reading import Unreadable, entries, read_plain
from cc_ci.system.units import Bytes

ENV_SAMPLE, ABRA_SH, COMPOSE = ".env.sample", "abra.sh", "compose.yml"


LARGEST: Bytes = 512 * 1024
"""Of one file that is read."""
LONGEST_NAME: Bytes = 255
"""Of one file or folder; NAME_MAX of Linux."""
DEEPEST, MOST_FILES = 3, 20_000
"""How far down compose files are looked for, and among how many files."""
MOST_COMPOSE_FILES = 100

# it becomes part of labels, domains and paths
NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}")


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
    with understanding(f"recipe {root.name}"):
        return _read(root.resolve())


def _read(root: Path) -> Recipe:
    compose_files = _compose_files(root)
    if not compose_files:
        raise UsageError(f"{root}: no recipe, it has no {COMPOSE}")
    env_sample = read_text(root, ENV_SAMPLE)
    with understanding("this file", source=Source(file=ENV_SAMPLE, line=1)):
        assignments = read_assignments(env_sample)
    text = read_text(root, ABRA_SH)
    with understanding("this file", source=Source(file=ABRA_SH, line=1)):
        script = read_script(text)
    return Recipe(
        name=_name(root, assignments),
        root=root,
        env_sample=env_sample,
        assignments=assignments,
        script=script,
        compose_files=compose_files,
    )


def with_env_of(new: Recipe, old: Recipe) -> Recipe:
    """The new version with the .env of an app that the old one made: nobody adds lines to it."""
    return msgspec.structs.replace(new, env_sample=old.env_sample, assignments=old.assignments)


def only_in(new: Recipe, old: Recipe) -> tuple[Assignment, ...]:
    """The variables that the new version's sample sets and the old one's does not."""
    had = {one.key for one in old.assignments if not one.off}
    return tuple(one for one in new.assignments if not one.off and one.key not in had)


def _compose_files(root: Path) -> tuple[Path, ...]:
    try:
        found = list(entries(root, deepest=DEEPEST, most=MOST_FILES, skip=frozenset({".git"})))
    except Unreadable as error:
        raise RecipeError(f"{root.name}: {error}; a recipe has a few dozen") from None
    names = [path for path in found if fnmatch.fnmatchcase(path.name, "compose*.y*ml") and path.is_file()]
    if len(names) > MOST_COMPOSE_FILES:
        raise RecipeError(f"{root.name}: has {len(names)} compose files; more than {MOST_COMPOSE_FILES}")
    for path in names:
        _refuse_odd(path.name)
    return tuple(
        sorted(names, key=lambda path: (path != root / COMPOSE, len(path.relative_to(root).parts), path))
    )


def _name(root: Path, assignments: tuple[Assignment, ...]) -> str:
    kind = next((one for one in assignments if one.key in ("TYPE", "RECIPE") and not one.off), None)
    name = kind.value.partition(":")[0] if kind else ""
    if kind and name and not NAME.fullmatch(name):
        fault = f"{kind.key}: {quoted(name)} is no recipe's name; it has letters, digits, dots, - and _"
        raise RecipeError(fault, source=Source(file=ENV_SAMPLE, line=kind.line))
    if not name and not NAME.fullmatch(root.name):
        fault = f"{quoted(root.name)}: a folder of this name can't name its recipe; set TYPE in {ENV_SAMPLE}"
        raise RecipeError(fault)
    return name or root.name


def read_text(root: Path, name: str) -> str:
    """A file of the recipe, empty if it is not there. Raises RecipeError if it lies outside or is no text."""
    path = inside(root, name)
    try:
        text = read_plain(path, most=LARGEST).decode("utf-8-sig")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        fault = f"can't be read: byte {error.start + 1} is not UTF-8"
        raise RecipeError(fault, source=Source(file=name, line=1)) from None
    except Unreadable as error:
        raise RecipeError(f"can't be read: {error}", source=Source(file=name, line=1)) from None
    if (at := text.find("\0")) >= 0:
        line = text.count("\n", 0, at) + 1
        raise RecipeError("holds a zero byte; it is no text", source=Source(file=name, line=line))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def inside(root: Path, name: str | Path) -> Path:
    """The path of `name` in the recipe, links followed. Raises RecipeError if that leads out of it."""
    _refuse_odd(str(name))
    try:
        path = (root / name).resolve()
    except (OSError, RuntimeError, ValueError):
        raise RecipeError(f"{name}: a link that leads to itself; put the file in its place") from None
    if not path.is_relative_to(root.resolve()):
        raise RecipeError(f"{name}: outside of the recipe, so it is not read; put the file into the recipe")
    return path


def _refuse_odd(name: str) -> None:
    """A name is shown to people, and given to programs."""
    if not name.isprintable():
        raise RecipeError(f"{quoted(name)}: has characters that can't be shown; give it another name")
    if max(len(part.encode()) for part in name.split("/")) > LONGEST_NAME:
        raise RecipeError(f"{quoted(name)}: no file can have so long a name; name a file of the recipe")
