"""What a suite says of its recipe: `suite.toml`, strict."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from cc_ci.errors import InfrastructureError
from cc_ci.providers.api import SignOn
from cc_ci.suite.files import suite_files, suite_hash
from cc_ci.suite.key_lines import line_of
from cc_ci.suite.protocol import SSO_TESTS, SuitePart
from cc_ci.system.printable import one_line
from cc_ci.system.reading import Unreadable, read_plain
from cc_ci.system.suggesting import unknown
from cc_ci.system.units import Bytes, Seconds

FACTS_FILE = "suite.toml"
HINTS = {"unkept": '; each volume has its reason, as in cache = "rebuilt at start"'}
"""What helps with a key of suite.toml that is not as it has to be."""

APP_SIGN = "app"
"""The name that the app's own sign, that of `[probe]`, has among the others."""

LARGEST: Bytes = 256 * 1024
"""Of suite.toml."""

UNKNOWN_FIELD = re.compile(r"unknown field `([^`]*)`")
"""What msgspec says of a key that is not in the form."""
RUN_VALUE = re.compile(r"\$\$|\$\{([^{}]*)\}")

PositiveSeconds = Annotated[Seconds, msgspec.Meta(gt=0, le=24 * 3600)]
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z"
URL_PATH = r"^/[^\x00-\x20\x7f]*\Z"
"""A space or a line's end in it would be more of the request than the path."""
WORD = r"^[^\x00]*\Z"
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_.]*\Z"
SEED_FILE = r"^[A-Za-z_][A-Za-z0-9_]*\.py\Z"
WANTED = {
    NAME: "a name: letters, digits, dots, - and _",
    URL_PATH: "a path: it begins with / and has no space",
    WORD: "a text without a zero byte",
    VARIABLE: "a variable's name: letters, digits, dots and _",
    SEED_FILE: "the name of a Python file, such as seed.py",
}
FactName = Annotated[str, msgspec.Meta(pattern=NAME, max_length=64)]
UrlPath = Annotated[str, msgspec.Meta(pattern=URL_PATH, max_length=2000)]
SuiteWord = Annotated[str, msgspec.Meta(pattern=WORD, max_length=10_000)]
"""What is given to a program."""
Variable = Annotated[str, msgspec.Meta(pattern=VARIABLE, max_length=128)]
SuiteEnv = Annotated[dict[Variable, SuiteWord], msgspec.Meta(max_length=200)]
Reason = Annotated[str, msgspec.Meta(pattern=r"\w.*\w", max_length=500)]


class ReadyProbe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The app is ready when `path` answers with `status` and a body that contains `contains`.

    "any" is any status of the app's own below 500. Without a path it is one that the router's rule takes.
    """

    path: UrlPath | None = None
    status: Annotated[int, msgspec.Meta(ge=100, le=599)] | Literal["any"] = 200
    contains: str | None = None


class Sign(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A further sign that the app is ready, by name; its keys say where it is looked for.

    `service` and `run`: the command exits 0 in the service's container. `service`, `port` and `path`: the
    container answers there with `status` and `contains`. `path` alone: as `ReadyProbe`, through the proxy.
    """

    name: FactName
    service: FactName | None = None
    run: Annotated[tuple[SuiteWord, ...], msgspec.Meta(min_length=1, max_length=100)] | None = None
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None
    path: UrlPath | None = None
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

    ready: PositiveSeconds | None = None
    tests: PositiveSeconds = 300.0
    seed: PositiveSeconds = 30.0


class Variant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A named choice of COMPOSE_FILE and of env values on top of the suite's own."""

    compose_files: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=100)]
    env: SuiteEnv = {}


class Weight(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one app of this recipe is expected to take at its peak."""

    memory_mib: Annotated[int, msgspec.Meta(gt=0, le=2**30)] = 256
    cpus: Annotated[float, msgspec.Meta(gt=0, le=10_000)] = 1.0


class Wiring(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the app is told of its provider: values of its env and secrets, with the placeholders of `SignOn`.

    `redirects` are the paths of the app that a log-in may come back to.
    """

    redirects: Annotated[tuple[UrlPath, ...], msgspec.Meta(max_length=100)] = ("/*",)
    env: SuiteEnv = {}
    secrets: Annotated[dict[str, SuiteWord], msgspec.Meta(max_length=100)] = {}


class MayShow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may see a secret of the app, and why: "users" have logged in."""

    to: Literal["users", "everyone"]
    because: Reason


class _Declared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    recipe: FactName
    probe: ReadyProbe = ReadyProbe()
    readiness: Annotated[tuple[Sign, ...], msgspec.Meta(max_length=20)] = ()
    timeouts: Timeouts = Timeouts()
    weight: Weight = Weight()
    variants: Annotated[dict[FactName, Variant], msgspec.Meta(max_length=50)] = {}
    env: SuiteEnv = {}
    secrets: Annotated[tuple[str, ...], msgspec.Meta(max_length=100)] = ()
    needs: Annotated[tuple[FactName, ...], msgspec.Meta(max_length=1)] = ()
    wiring: Wiring = Wiring()
    seeds: Annotated[str, msgspec.Meta(pattern=SEED_FILE)] | None = None
    stateless: bool = False
    web: bool | None = None
    """Whether the app answers through the proxy; None: where the recipe has a DOMAIN."""
    ends: tuple[FactName, ...] = ()
    """Services that end by design, with code 0; they may come again."""
    unkept: dict[FactName, Reason] = {}
    """Volumes that need no backup, by their keys in the recipe, and why: `cache = "rebuilt at start"`."""
    shown: Annotated[dict[FactName, MayShow], msgspec.Meta(max_length=100)] = {}
    """Secrets that the app shows on purpose, by their keys in the recipe."""
    share: bool = True
    """Whether a backup may be restored over an app that was used before; if not, `unshared` says why."""
    unshared: Reason | None = None

    def __post_init__(self) -> None:
        if self.share != (self.unshared is None):
            message = 'share = false and unshared = "its reason" go together'
            raise ValueError(message)
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
        return bool(self.test_files("app"))

    @property
    def has_sso_tests(self) -> bool:
        return bool(self.test_files("sso"))

    def test_files(self, part: SuitePart) -> tuple[str, ...]:
        """The files with the tests of one part, as pytest names them."""
        tests = (path for path in suite_files(self.folder) if path.match("test_*.py"))
        own = (path for path in tests if path.match(SSO_TESTS) == (part == "sso"))
        return tuple(path.relative_to(self.folder).as_posix() for path in own)

    def files_of(self, part: SuitePart) -> frozenset[str]:
        """All but the tests of the other part; a suite may collect tests of its own kinds of files."""
        other = self.test_files("sso" if part == "app" else "app")
        return frozenset(path.relative_to(self.folder).as_posix() for path in suite_files(self.folder)) - {
            *other
        }

    @property
    def env_names(self) -> tuple[str, ...]:
        """The names that the suite sets, in any variant or by its wiring."""
        return tuple(
            dict.fromkeys(
                (*self.env, *self.wiring.env, *(name for one in self.variants.values() for name in one.env))
            )
        )

    def env_for(
        self, variant: str | None, *, values: Mapping[str, str], sign_on: SignOn | None = None
    ) -> Mapping[str, str]:
        """The env values for tests, those of `variant` on top, then those of the wiring.

        `values` are the run's: each takes the place of `${ITS_NAME}`, and `$$` that of a `$`. Raises
        InfrastructureError, with file and key, for a name that is none of them.
        """
        chosen = self.variant(variant).env if variant else {}
        wired = {name: sign_on.fill(text) for name, text in self.wiring.env.items()} if sign_on else {}
        sections = (("env", self.env), (f"variants.{variant}.env", chosen), ("wiring.env", wired))
        return {
            name: self._filled(text, values, key=f"{section}.{name}")
            for section, entries in sections
            for name, text in entries.items()
        }

    def _filled(self, text: str, values: Mapping[str, str], *, key: str) -> str:
        def value(match: re.Match[str]) -> str:
            name = match[1]
            if name is not None and name not in values:
                raise InfrastructureError(
                    f"{self.folder / FACTS_FILE}: {key}: ${{{name}}} is no value of a run; "
                    f"there are {', '.join(values)}"
                )
            return "$" if name is None else values[name]

        return RUN_VALUE.sub(value, text)

    def secrets_for(self, sign_on: SignOn | None) -> dict[str, str]:
        """The secrets whose values the provider decides, by compose name."""
        return {name: sign_on.fill(text) for name, text in self.wiring.secrets.items()} if sign_on else {}

    def variant(self, name: str) -> Variant:
        if name not in self.variants:
            raise unknown(f"{self.folder / FACTS_FILE}: variant", name, sorted(self.variants))
        return self.variants[name]


def read_suite(folder: Path) -> Suite:
    """Read the suite in `folder`. Raises UsageError for an unknown key, else InfrastructureError.

    Both are one line with file and key.
    """
    path = folder / FACTS_FILE
    declared = _declared(path)
    if declared.seeds and not (folder / declared.seeds).is_file():
        raise InfrastructureError(f"{path}: seeds: {declared.seeds!r} is not in the suite's folder")
    fields = {name: getattr(declared, name) for name in declared.__struct_fields__}
    return Suite(folder=folder, hash=suite_hash(folder), **fields)


def _declared(path: Path) -> _Declared:
    try:
        return msgspec.convert(tomllib.loads(read_plain(path, most=LARGEST).decode()), _Declared)
    except msgspec.ValidationError as error:
        fault, _, place = str(error).replace(" - at `key` in `$", " - at `$").partition(" - at `$")
        key = place.strip(".`").replace("[...]", "") or "top level"
        wanted = next((words for pattern, words in WANTED.items() if repr(pattern) in fault), None)
        said = f"has to be {wanted}" if wanted else f"{fault[0].lower()}{fault[1:]}"
        said += HINTS.get(key.partition(".")[0], "")
        if field := UNKNOWN_FIELD.search(str(error)):
            table = "" if key == "top level" else key.partition("[")[0]
            line = line_of(path.read_text(errors="replace"), field[1], table=table)
            raise unknown(f"{path}:{line}: key", field[1], _known_keys(table)) from error
        raise InfrastructureError(f"{path}: {one_line(f'{key}: {said}', most=500)}") from error
    except (Unreadable, FileNotFoundError, ValueError, RecursionError) as error:
        # tomllib raises a ValueError for a number of 5000 digits, and calls itself for each level
        said = "no such file" if isinstance(error, FileNotFoundError) else str(error)
        raise InfrastructureError(f"{path}: can't be read: {one_line(said, most=300)}") from error


def _known_keys(table: str) -> tuple[str, ...]:
    """The keys of a table such as `probe`, `readiness` or `variants.NAME`; else those of the file."""
    return TABLES.get(re.split(r"[.\\[]", table)[0], _Declared).__struct_fields__


TABLES: Mapping[str, type[msgspec.Struct]] = {
    "probe": ReadyProbe,
    "readiness": Sign,
    "timeouts": Timeouts,
    "weight": Weight,
    "variants": Variant,
    "wiring": Wiring,
    "shown": MayShow,
}
