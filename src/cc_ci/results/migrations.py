"""Older results.json made into the present form, one version at a time."""

from collections.abc import Callable, Iterable
from typing import Any

from cc_ci.errors import UsageError
from cc_ci.levers.arms import DEFAULT_PROFILE, digest
from cc_ci.levers.former_names import with_present_names
from cc_ci.results.old_names import with_kinds
from cc_ci.results.schema import SCHEMA_VERSION
from cc_ci.timing.resources import Usage

NOT_YET = "not recorded before version {} of these results"
DEPLOYMENTS = frozenset({"install", "upgrade", "backup", "fresh", "functional", "sso"})
"""Of versions 1 and 2."""


def to_2(raw: dict[str, Any]) -> dict[str, Any]:
    """Levers have their own names and are of an arm; spans say what they are of, and lie in their parents."""
    return {**with_arm(raw), "spans": with_kinds(raw.get("spans", []))}


def to_3(raw: dict[str, Any]) -> dict[str, Any]:
    """A test has an id; its name began with its deployment, or its provider, if it was on one."""
    provider = (raw.get("provider") or {}).get("name")
    stages = [
        {**stage, "tests": [_with_id(test, provider) for test in stage.get("tests", [])]}
        for stage in raw.get("stages", [])
    ]
    return {**raw, "stages": stages}


def _with_id(test: dict[str, Any], provider: str | None) -> dict[str, Any]:
    rest = {key: value for key, value in test.items() if key != "name"}
    deployment, _, what = str(test["name"]).partition(": ")
    if what and deployment in DEPLOYMENTS:
        return {**rest, "id": what, "deployment": deployment}
    if what and deployment == provider:
        return {**rest, "id": f"provider: {what}", "deployment": deployment}
    return {**rest, "id": test["name"]}


def to_4(raw: dict[str, Any]) -> dict[str, Any]:
    """Results name every part of an engine; older results do not say which parts they ran on."""
    return _without(raw, 4, (f"environment.{part}" for part in ("containerd", "runc", "image_store")))


def to_6(raw: dict[str, Any]) -> dict[str, Any]:
    """Results tell what suites and restic used, and what had to be resident; older ones do not."""
    suite = (f"resources.*.suite.{field}" for field in Usage.__struct_fields__)
    resident = (f"resources.*.{group}.mean_resident_bytes" for group in ("stack", "engine", "machine"))
    return _without(raw, 6, (*suite, *resident))


def _without(raw: dict[str, Any], version: int, paths: Iterable[str]) -> dict[str, Any]:
    unknown = dict.fromkeys(paths, NOT_YET.format(version))
    return {**raw, "missing": {**raw.get("missing", {}), **unknown}}


def to_5(raw: dict[str, Any]) -> dict[str, Any]:
    """Levers have the names that they have now; the arm's digest is what it was."""
    arm = raw.get("arm", {})
    renamed = {**arm, "overrides": with_present_names(arm.get("overrides", {}))}
    return {**raw, "arm": renamed, "levers": with_present_names(raw.get("levers", {}))}


def with_arm(raw: dict[str, Any]) -> dict[str, Any]:
    """A profile was the whole arm then, but for the driver, which a flag could change."""
    raw = dict(raw)
    levers = {name.replace("_", ".", 1): value for name, value in raw.get("levers", {}).items()}
    profile = raw.pop("profile", DEFAULT_PROFILE)
    driver = levers.get("deploy.driver")
    overrides = {"deploy.driver": driver} if driver == "abra" else {}
    arm = {"profile": profile, "overrides": overrides, "digest": digest(levers)}
    return {**raw, "arm": arm, "levers": levers}


STEPS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: to_2, 2: to_3, 3: to_4, 4: to_5, 5: to_6}
"""STEPS[n] makes version n + 1 of version n; fields that are added with a default need no step."""


def current(raw: object) -> dict[str, Any]:
    """Bring decoded JSON to the present version."""
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if not isinstance(raw, dict) or not isinstance(version, int) or version < 1:
        raise UsageError("schema_version is missing or no number from 1 on; name the results.json of a run")
    if version > SCHEMA_VERSION:
        raise UsageError(f"schema_version {version} is newer than {SCHEMA_VERSION}; upgrade cc-ci to read it")
    for step in range(version, SCHEMA_VERSION):
        raw = STEPS[step](raw)
    return {**raw, "schema_version": SCHEMA_VERSION}
