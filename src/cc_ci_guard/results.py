"""What the guard reads of a results.json, by its published schema: docs/reference/results.schema.json."""

import os
from pathlib import Path

import msgspec

from cc_ci_guard.errors import GuardUsageError

KNOWN_VERSIONS = (3, 4, 5, 6)
"""Of the schema: older ones name tests by what they ran on, so that nothing can be told apart by its id."""
FILE = "results.json"


class Test(msgspec.Struct, frozen=True, kw_only=True):
    """One test or generic check. `assertions` is None where nobody counted them."""

    __test__ = False  # not one of pytest's

    id: str
    outcome: str
    deployment: str | None = None
    assertions: int | None = None
    reason: str | None = None


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    outcome: str
    reason: str | None = None
    blame: str | None = None
    tests: tuple[Test, ...] = ()


class Span(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    kind: str = "call"
    action: str | None = None
    phase: str | None = None
    stage: str | None = None
    deployment: str | None = None
    status: str = "done"
    attributes: dict[str, str | int | float | bool | None] = {}


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    versions: tuple[str, ...] = ()
    why: str | None = None


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    version_from: str | None = None
    version_to: str | None = None
    suite_hash: str | None = None


class Leak(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    name: str
    change: str = "left"


class Census(msgspec.Struct, frozen=True, kw_only=True):
    leaks: tuple[Leak, ...] = ()


class Result(msgspec.Struct, frozen=True, kw_only=True):
    schema_version: int
    run: str
    state: str
    recipe: Recipe
    stages: tuple[Stage, ...] = ()
    spans: tuple[Span, ...] = ()
    deployments: tuple[Deployment, ...] = ()
    exit_code: int | None = None
    because: tuple[str, ...] = ()
    total_seconds: float = 0.0
    census: Census = Census()

    def stage(self, name: str) -> Stage | None:
        return next((stage for stage in self.stages if stage.name == name), None)


def read(path: Path) -> Result:
    """Read one results.json. Raises GuardUsageError for what is none, and for versions that are not known."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Result)
    except OSError as error:
        raise GuardUsageError(f"{path}: {error.strerror}; name a run or its {FILE}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise GuardUsageError(f"{path}: not the results of a run ({error}); run it again") from error
    if found.schema_version not in KNOWN_VERSIONS:
        known = ", ".join(map(str, KNOWN_VERSIONS))
        raise GuardUsageError(
            f"{path}: schema_version {found.schema_version}; the guard knows {known}; run it again"
        )
    return found


def runs_root() -> Path:
    """Where cc-ci keeps runs, as its documents say: CC_CI_RUNS, else `runs` in its state folder."""
    return Path(os.environ.get("CC_CI_RUNS") or state_root() / "runs")


def state_root() -> Path:
    at_home = "/var/lib/cc-ci" if os.geteuid() == 0 else "~/.local/state/cc-ci"
    return Path(os.environ.get("CC_CI_STATE") or at_home).expanduser()


def runtime_root() -> Path:
    at_home = "/run/cc-ci" if os.geteuid() == 0 else "~/.cache/cc-ci/run"
    return Path(os.environ.get("CC_CI_RUNTIME") or at_home).expanduser()


def locate(name: str, *, root: Path) -> Path:
    """The results file of a run by its path, its folder, its id or the beginning of it."""
    given = Path(name)
    if given.is_file():
        return given
    if (given / FILE).is_file():
        return given / FILE
    found = sorted(path for path in root.glob(f"*/{FILE}") if path.parent.name.startswith(name))
    exact = [path for path in found if path.parent.name == name]
    if len(exact or found) != 1:
        trouble = f"fits {len(found)} runs" if found else "no such file, and no such run"
        raise GuardUsageError(f"{name}: {trouble} in {root}; name a {FILE} or a run's whole id")
    return (exact or found)[0]
