"""Older results.json made into the present form, one version at a time."""

from collections.abc import Callable
from typing import Any

from cc_ci.errors import UsageError
from cc_ci.results.schema import SCHEMA_VERSION

STEPS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
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
