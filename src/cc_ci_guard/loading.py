"""Read guard/mutants/*.toml and guard/twins/*.toml; what is wrong in one is told with file, line and key."""

import importlib.util
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from cc_ci_guard.changes import Change, Mutant, MutantFile, Twin, TwinFile, trouble
from cc_ci_guard.errors import GuardUsageError

AnyFile = TypeVar("AnyFile", MutantFile, TwinFile)
AT = re.compile(r" - at `(\$[^`]*)`$")
UNKNOWN = re.compile(r"(?:unknown field|required field) `([^`]+)`")


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A change and the recipe that it is of; `place` is FILE:LINE."""

    recipe: str
    change: Mutant | Twin
    place: str

    @property
    def name(self) -> str:
        return self.change.name


def shipped(name: str) -> Path:
    """A folder that cc-ci ships beside its code: in the checkout, else in the installed package."""
    checkout = Path(__file__).resolve().parents[2] / name
    if checkout.is_dir():
        return checkout
    installed = judged() / "shipped" / name
    if not installed.is_dir():
        raise GuardUsageError(f"{installed}: missing; `pip install .` in cc-ci's checkout brings it")
    return installed


def judged() -> Path:
    """The folder of cc-ci's own code, found without importing it."""
    found = importlib.util.find_spec("cc_ci")
    if found is None or found.origin is None:
        raise GuardUsageError(
            "cc_ci: not installed beside the guard; `pip install .` in its checkout brings both"
        )
    return Path(found.origin).parent


def mutants(folder: Path) -> tuple[Listed, ...]:
    """All mutants of a folder, in the order of files and lines."""
    return _unique(
        one
        for path in sorted(folder.glob("*.toml"))
        for one in _listed(path, read_file(path, MutantFile), "mutant")
    )


def twins(folder: Path) -> tuple[Listed, ...]:
    return _unique(
        one
        for path in sorted(folder.glob("*.toml"))
        for one in _listed(path, read_file(path, TwinFile), "twin")
    )


def read_file(path: Path, kind: type[AnyFile]) -> AnyFile:
    """One file. Raises GuardUsageError with its line and key for what does not fit."""
    try:
        text = path.read_text()
        return msgspec.convert(tomllib.loads(text), kind)
    except (OSError, UnicodeDecodeError) as error:
        raise GuardUsageError(f"{path.name}: not to be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        where = f":{line[1]}" if line else ""
        raise GuardUsageError(f"{path.name}{where}: no TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise GuardUsageError(_told(path, text, str(error))) from error


def _told(path: Path, text: str, error: str) -> str:
    at = AT.search(error)
    place = at[1] if at else "$"
    named = UNKNOWN.search(error)
    key = f"{place}.{named[1]}" if named else place
    shown = re.sub(
        r"\[(\d+)\]", lambda number: f" {int(number[1]) + 1}", key.removeprefix("$.").removeprefix("$")
    )
    return f"{path.name}:{line_of(text, key)}: {shown}: {AT.sub('', error)}"


def line_of(text: str, key: str) -> int:
    """The line of a key such as `$.mutant[1].edit[0].find`; that of its table where the key is not there."""
    lines = text.splitlines()
    start, name, inside = 0, "", False
    for table, index in re.findall(r"\.(\w+)\[(\d+)\]", key):
        name = f"{name}.{table}" if name else table
        heads = [at for at in range(start, len(lines)) if lines[at].strip() == f"[[{name}]]"]
        if int(index) >= len(heads):
            break
        start, inside = heads[int(index)], True
    last = key.rpartition(".")[2].partition("[")[0]
    for at in range(start + inside, len(lines)):
        if lines[at].startswith("[["):
            break
        if re.match(rf"\s*{re.escape(last)}\s*=", lines[at]):
            return at + 1
    return start + 1


def _listed(path: Path, file: MutantFile | TwinFile, table: str) -> Iterator[Listed]:
    text = path.read_text()
    changes: tuple[Change, ...] = file.mutant if isinstance(file, MutantFile) else file.twin
    for index, change in enumerate(changes):
        line = line_of(text, f"$.{table}[{index}].name")
        for wrong in trouble(change):
            key, _, said = wrong.partition(": ")
            at = line_of(text, f"$.{table}[{index}].{key}")
            raise GuardUsageError(f"{path.name}:{at}: {table} {change.name}: {key}: {said}")
        assert isinstance(change, Mutant | Twin)  # noqa: S101 - the two files have no others
        yield Listed(recipe=file.recipe, change=change, place=f"{path.name}:{line}")


def _unique(found: Iterable[Listed]) -> tuple[Listed, ...]:
    seen: dict[str, Listed] = {}
    for one in found:
        if other := seen.get(one.name):
            raise GuardUsageError(
                f"{one.place}: name: {one.name!r} is that of {other.place}, too; names are unique"
            )
        seen[one.name] = one
    return tuple(seen.values())
