"""What a suite says of its recipe: `suite.toml`, strict, and the hash of all that the suite holds."""

import hashlib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from cc_ci.errors import InfrastructureError
from cc_ci.providers.api import SignOn
from cc_ci.suite.protocol import SSO_TESTS
from cc_ci.system.units import Seconds

FACTS_FILE = "suite.toml"
MADE_BY_TOOLS = {"__pycache__", ".pytest_cache"}

APP_SIGN = "app"
"""The name that the app's own sign, that of `[probe]`, has among the others."""

Positive = Annotated[Seconds, msgspec.Meta(gt=0)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Reason = Annotated[str, msgspec.Meta(pattern=r"\w.*\w")]


class Probe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The app is ready when `path` answers with `status` and a body that contains `contains`.

    "any" is any status of the app's own below 500.
    """

    path: Annotated[str, msgspec.Meta(pattern="^/")] = "/"
    status: Annotated[int, msgspec.Meta(ge=100, le=599)] | Literal["any"] = 200
    contains: str | None = None


class Sign(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A further sign that the app is ready, by name; its keys say where it is looked for.

    `service` and `run`: the command exits 0 in the service's container. `service`, `port` and `path`: the
    container answers there with `status` and `contains`. `path` alone: as `Probe`, through the proxy.
    """

    name: Name
    service: Name | None = None
    run: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] | None = None
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None
    path: Annotated[str, msgspec.Meta(pattern="^/")] | None = None
    status: Annotated[int, msgspec.Meta(ge=100, le=599)] | None = None
    contains: str | None = None

    def __post_init__(self) -> None:
        keys = {key for key in self.__struct_fields__ if getattr(self, key) is not None} - {"name"}
        wanted = ({"service", "run"}, {"service", "port", "path"}, {"path"})
        if keys not in wanted and keys - {"status", "contains"} not in wanted[1:]:
            had = ", ".join(sorted(keys)) or "nothing"
            message = f"{self.name!r} has {had}; it takes service and run, or service, port and path, or path"
            raise ValueError(message)


class Timeouts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In seconds. `ready` is None where the recipe's own timeout label holds."""

    ready: Positive | None = None
    tests: Positive = 300.0
    seed: Positive = 30.0


class Variant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A named choice of COMPOSE_FILE and of env values on top of the suite's own."""

    compose_files: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    env: dict[str, str] = {}


class Weight(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one app of this recipe is expected to take at its peak."""

    memory_mib: Annotated[int, msgspec.Meta(gt=0)] = 256
    cpus: Annotated[float, msgspec.Meta(gt=0)] = 1.0


class Wiring(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the app is told of its provider: values of its env and secrets, with the placeholders of `SignOn`.

    `redirects` are the paths of the app that a log-in may come back to.
    """

    redirects: tuple[Annotated[str, msgspec.Meta(pattern="^/")], ...] = ("/*",)
    env: dict[str, str] = {}
    secrets: dict[str, str] = {}


class _Declared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    recipe: Name
    probe: Probe = Probe()
    readiness: tuple[Sign, ...] = ()
    timeouts: Timeouts = Timeouts()
    weight: Weight = Weight()
    variants: dict[Name, Variant] = {}
    env: dict[str, str] = {}
    secrets: tuple[str, ...] = ()
    needs: Annotated[tuple[Name, ...], msgspec.Meta(max_length=1)] = ()
    wiring: Wiring = Wiring()
    seeds: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*\.py$")] | None = None
    stateless: bool = False
    unkept: dict[Name, Reason] = {}
    """Volumes that need no backup, by their keys in the recipe, and why: `cache = "rebuilt at start"`."""

    def __post_init__(self) -> None:
        names = [APP_SIGN, *(sign.name for sign in self.readiness)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            message = f"readiness: the name {twice[0]!r} is there twice ({APP_SIGN!r} is that of [probe])"
            raise ValueError(message)


class Suite(_Declared, frozen=True, kw_only=True):
    """A suite as read: what `suite.toml` declares, where it lies, and the hash of its files."""

    folder: Path
    hash: str

    @property
    def has_tests(self) -> bool:
        """Tests for the stage functional, that is: those for sso do not count."""
        return any(path.match("test_*.py") and not path.match(SSO_TESTS) for path in suite_files(self.folder))

    @property
    def has_sso_tests(self) -> bool:
        return any(path.match(SSO_TESTS) for path in suite_files(self.folder))

    @property
    def env_names(self) -> tuple[str, ...]:
        """The names that the suite sets, in any variant or by its wiring."""
        return tuple(
            dict.fromkeys(
                (*self.env, *self.wiring.env, *(name for one in self.variants.values() for name in one.env))
            )
        )

    def env_for(self, variant: str | None, *, sign_on: SignOn | None = None) -> Mapping[str, str]:
        """The env values for tests, those of `variant` on top, then those of the wiring."""
        chosen = self.variant(variant).env if variant else {}
        wired = {name: sign_on.fill(text) for name, text in self.wiring.env.items()} if sign_on else {}
        return {**self.env, **chosen, **wired}

    def secrets_for(self, sign_on: SignOn | None) -> dict[str, str]:
        """The secrets whose values the provider decides, by compose name."""
        return {name: sign_on.fill(text) for name, text in self.wiring.secrets.items()} if sign_on else {}

    def variant(self, name: str) -> Variant:
        if name not in self.variants:
            known = ", ".join(sorted(self.variants)) or "none"
            raise InfrastructureError(f"{self.folder / FACTS_FILE}: variants: no {name!r}; it has {known}")
        return self.variants[name]


def read_suite(folder: Path) -> Suite:
    """Read the suite in `folder`; raises InfrastructureError, one line with file and key."""
    path = folder / FACTS_FILE
    declared = _declared(path)
    if declared.seeds and not (folder / declared.seeds).is_file():
        raise InfrastructureError(f"{path}: seeds: {declared.seeds!r} is not in the suite's folder")
    fields = {name: getattr(declared, name) for name in declared.__struct_fields__}
    return Suite(folder=folder, hash=suite_hash(folder), **fields)


def find_suite(name: str, roots: Sequence[Path]) -> Suite | None:
    """The suite of recipe `name` in the first of `roots` that has one; None if none has."""
    folder = next((root / name for root in roots if (root / name / FACTS_FILE).is_file()), None)
    if folder is None:
        return None
    suite = read_suite(folder)
    if suite.recipe != name:
        message = f"{folder / FACTS_FILE}: recipe: {suite.recipe!r} is not {name!r}, the name of its folder"
        raise InfrastructureError(message)
    return suite


def _declared(path: Path) -> _Declared:
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _Declared)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InfrastructureError(f"{path}: {_reason(error)}") from error
    except msgspec.ValidationError as error:
        fault, _, place = str(error).partition(" - at `$")
        key = place.strip(".`").replace("[...]", "") or "top level"
        raise InfrastructureError(f"{path}: {key}: {fault[0].lower()}{fault[1:]}") from error


def _reason(error: Exception) -> str:
    said = error.strerror if isinstance(error, OSError) else str(error)
    return f"can't be read: {said}"


def suite_files(folder: Path) -> Iterator[Path]:
    """All files of a suite, in order, without what tools leave there; a link is refused."""
    for path in sorted(folder.rglob("*")):
        if MADE_BY_TOOLS & set(path.relative_to(folder).parts):
            continue
        if path.is_symlink():
            raise InfrastructureError(f"{path}: a link; a suite holds plain files only")
        if path.is_file():
            yield path


def suite_hash(folder: Path) -> str:
    """SHA-256 over the names and contents of all files of the suite."""
    digest = hashlib.sha256()
    for path in suite_files(folder):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
