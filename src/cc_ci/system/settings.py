"""What may be set, and where each value came from: files, environment and flags, in rising order."""

import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from cc_ci.errors import UsageError
from cc_ci.system.suggesting import unknown
from cc_ci.system.units import Bytes, Seconds

FILE_NAME = "cc-ci.toml"
PREFIX = "CC_CI_"
DEFAULT = "default"

Positive = msgspec.Meta(gt=0)
SIZE = r"^[1-9][0-9]*[kmgKMG]?$"
RATE = r"^[1-9][0-9]*[kmg]?bit$"
DOMAIN = r"^[a-z0-9-]+(\.[a-z0-9-]+)+$"
WANTED = {
    SIZE: "a size: bytes, or a number with k, m or g, such as 6g",
    RATE: "a rate such as 100mbit",
    DOMAIN: "a domain of two parts or more, such as ci.test",
}
"""What a person is told in the place of a pattern."""
SizeText = Annotated[str, msgspec.Meta(pattern=SIZE)]
"""Bytes, with k, m or g for powers of 1024."""
Bandwidth = Annotated[str, msgspec.Meta(pattern=RATE)]
"""As tc takes it, such as 100mbit."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every setting with its default. A path in a file is relative to that file's folder."""

    node: str | None = None
    address: str | None = None
    authority: Path | None = None
    ci_domain: Annotated[str, msgspec.Meta(pattern=DOMAIN)] = "ci.test"
    profile: str | None = None
    images: Literal["standin", "hub"] = "standin"
    cache: Literal["as-is", "cold", "warm"] = "as-is"
    deadline_seconds: Annotated[Seconds, Positive] = 3600.0
    keep_runs: Annotated[int, Positive] = 50
    suites: tuple[Path, ...] = ()
    recipes: tuple[Path, ...] = ()
    cpus: Annotated[float, Positive] | None = None
    memory: SizeText | None = None
    disk: SizeText | None = None
    bandwidth: Bandwidth | None = None
    engine: str | None = None
    userns: bool = True
    new_privileges: bool = False
    trust: dict[str, tuple[str, ...]] = {}
    """Permissions by whose they are: a recipe's name, folder or address, as it is asked for."""

    @property
    def memory_bytes(self) -> Bytes | None:
        return None if self.memory is None else size_bytes(self.memory)

    @property
    def disk_bytes(self) -> Bytes | None:
        return None if self.disk is None else size_bytes(self.disk)


def size_bytes(size: SizeText) -> Bytes:
    """The bytes of a size such as 6g. Raises UsageError for anything else."""
    match = re.fullmatch(r"([1-9][0-9]*)([kmg]?)", size.lower())
    if match is None:
        raise UsageError(f"{size}: not a size; give bytes, or a number with k, m or g")
    return int(match[1]) << 10 * " kmg".index(match[2] or " ")


NAMES = tuple(Settings.__struct_fields__)
LISTS = ("suites", "recipes")
TRUST = "trust"


class Layer(msgspec.Struct, frozen=True, kw_only=True):
    """Values from one place, not checked yet. `folder` is what its relative paths start from."""

    origin: str
    values: Mapping[str, Any]
    folder: Path = Path()
    may_trust: bool = False
    """The folder is nobody's but the operator's: a recipe can't have written the file."""


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that hold, and by name where each one came from."""

    settings: Settings
    origins: Mapping[str, str]

    def from_here(self, name: str) -> bool:
        """Whether a setting is from the folder that cc-ci was called in, which may be anyone's."""
        return self.origins[name] == FILE_NAME


def resolve(layers: Iterable[Layer]) -> Resolved:
    """Merge layers, the strongest last. Raises UsageError that names the place and the key."""
    values: dict[str, Any] = {}
    origins = dict.fromkeys(NAMES, DEFAULT)
    for layer in layers:
        for name, value in layer.values.items():
            values[name] = _checked(layer, name, value)
            origins[name] = layer.origin
    return Resolved(settings=Settings(**values), origins=origins)


def _checked(layer: Layer, name: str, value: object) -> object:
    if name not in NAMES:
        raise unknown(f"{layer.origin}: setting", name, NAMES)
    if name == TRUST and not layer.may_trust:
        raise UsageError(
            f"{layer.origin}: {name}: may come with what is tested; "
            f"put it into {settings_files()[1]}, or give --trust"
        )
    try:
        checked = getattr(msgspec.convert({name: value}, Settings, strict=False, dec_hook=_path), name)
    except msgspec.ValidationError as error:
        wanted = next((words for pattern, words in WANTED.items() if repr(pattern) in str(error)), None)
        problem = f"has to be {wanted}" if wanted else str(error).split(" - at ")[0]
        raise UsageError(
            f"{layer.origin}: {name}: {problem[0].lower()}{problem[1:]}; it is {value!r}"
        ) from None
    return tuple(layer.folder / path.expanduser() for path in checked) if name in LISTS else checked


def _path(_kind: type, value: str) -> Path:
    return Path(value)


def file_layers(paths: Iterable[Path]) -> Iterator[Layer]:
    """One layer per file that exists. Raises UsageError for TOML that can't be read.

    A file in the folder that cc-ci was called in, which has a relative path, may be anyone's.
    """
    for path in paths:
        try:
            values = tomllib.loads(path.read_text())
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise UsageError(f"{path}: can't be read as TOML: {error}") from None
        yield Layer(origin=str(path), values=values, folder=path.parent, may_trust=path.is_absolute())


def environment_layer(environment: Mapping[str, str]) -> Iterator[Layer]:
    """One layer per variable that is set and not empty; lists are separated as PATH is."""
    for name in NAMES:
        variable = PREFIX + name.upper()
        if value := environment.get(variable):
            yield Layer(
                origin=f"environment {variable}",
                values={name: value.split(os.pathsep) if name in LISTS else value},
            )


def flag_layer(flags: Mapping[str, object]) -> Iterator[Layer]:
    """One layer per flag that was given, which is each one that is not None."""
    for name, value in flags.items():
        if value is not None:
            flag = name.removesuffix("_seconds").replace("_", "-")
            yield Layer(origin=f"flag --{flag}", values={name: value})


def settings_files() -> tuple[Path, ...]:
    """Where files are looked for, the weakest first."""
    user = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser()
    return (Path("/etc/cc-ci") / FILE_NAME, user / "cc-ci" / FILE_NAME, Path(FILE_NAME))


def load_resolved(flags: Mapping[str, object] | None = None) -> Resolved:
    """Read files and environment of this process, and put `flags` over them."""
    return resolve([*file_layers(settings_files()), *environment_layer(os.environ), *flag_layer(flags or {})])


def load_settings(flags: Mapping[str, object] | None = None) -> Settings:
    """As `load_resolved`, without the origins. Keys of `flags` are names of settings; None is not given."""
    return load_resolved(flags).settings
