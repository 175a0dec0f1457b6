"""What a stack makes, read from the compose files that a driver hands over: as much as a fake Swarm needs."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

SECTIONS = {"networks": "network", "volumes": "volume", "configs": "config", "secrets": "secret"}


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a stack makes besides its services."""

    kind: str
    name: str
    labels: Mapping[str, str]


class MadeService(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    image: str
    labels: Mapping[str, str]
    """Of the service."""
    container_labels: Mapping[str, str]
    volumes: tuple[str, ...]


def read_files(files: Iterable[Path]) -> dict[str, Any]:
    """The merged files; a later one adds to services, and takes the place of other entries."""
    merged: dict[str, Any] = {"services": {}, **{section: {} for section in SECTIONS}}
    for file in files:
        content = yaml.safe_load(file.read_text()) or {}
        for name, service in (content.get("services") or {}).items():
            merged["services"][name] = _merged(merged["services"].get(name, {}), service)
        for section in SECTIONS:
            merged[section].update(content.get(section) or {})
    return merged


def _merged(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        keys = dict.fromkeys([*one, *other])
        return {key: _merged(one[key], other[key]) if key in one and key in other else
                one.get(key, other.get(key)) for key in keys}  # fmt: skip
    if isinstance(one, list | dict) and isinstance(other, list | dict):
        return {**_labels(one), **_labels(other)}
    return other


def _labels(given: Any) -> dict[str, str]:
    if isinstance(given, list):
        return {str(one).partition("=")[0]: str(one).partition("=")[2] for one in given}
    return {str(key): str(value) for key, value in (given or {}).items()}


def things(merged: Mapping[str, Any], stack: str) -> list[Made]:
    """Networks, volumes, configs and secrets that the stack makes itself."""
    return [
        Made(
            kind=kind,
            name=(entry or {}).get("name") or f"{stack}_{key}",
            labels=_labels((entry or {}).get("labels")),
        )
        for section, kind in SECTIONS.items()
        for key, entry in merged[section].items()
        if not (entry or {}).get("external")
    ]


def services(merged: Mapping[str, Any], stack: str) -> list[MadeService]:
    volumes = {key: (entry or {}).get("name") or f"{stack}_{key}" for key, entry in merged["volumes"].items()}
    return [
        MadeService(
            name=name,
            image=service["image"],
            labels=_labels((service.get("deploy") or {}).get("labels")),
            container_labels=_labels(service.get("labels")),
            volumes=tuple(
                volumes[source]
                for mount in service.get("volumes") or ()
                if (source := str(mount).partition(":")[0]) in volumes
            ),
        )
        for name, service in merged["services"].items()
    ]
