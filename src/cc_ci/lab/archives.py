"""Image archives as others make them: `docker save` files as they are, OCI ones made loadable."""

import io
import json
import platform
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cc_ci.errors import UsageError

NAME_ANNOTATIONS = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
"""Where builders put an image's name in an OCI index; the second may be a bare tag."""

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}


def loadable(file: Path, *, work: Path) -> tuple[Path, tuple[str, ...]]:
    """Return an archive that `docker load` of any version takes, and the names in it.

    An OCI archive gets, in a copy, the list that `docker load` looks for: older engines know no other.
    Raises UsageError for a file that is neither, or an image without a name.
    """
    try:
        with tarfile.open(file) as archive:
            members = set(archive.getnames())
            if "manifest.json" in members:
                return file, _names(file, _json(archive, "manifest.json"))
            if "index.json" not in members:
                raise UsageError(f"{file}: no image archive (neither manifest.json nor index.json in it)")
            entries = [
                _entry(file, archive, manifest) for manifest in _json(archive, "index.json")["manifests"]
            ]
    except (OSError, tarfile.TarError, ValueError, KeyError) as error:
        raise UsageError(f"{file}: can't be read as an image archive ({error})") from error
    target = work / "loadable.tar"
    _rewrite(file, target, entries=entries)
    return target, _names(file, entries)


def _entry(file: Path, archive: tarfile.TarFile, descriptor: Mapping[str, Any]) -> dict[str, Any]:
    """One image of an OCI index as an entry of docker's list."""
    annotations = descriptor.get("annotations") or {}
    name = next((annotations[key] for key in NAME_ANNOTATIONS if ":" in annotations.get(key, "")), None)
    if name is None:
        raise UsageError(f"{file}: an image in it has no name; write one with `docker save NAME:TAG`")
    manifest = _json(archive, _blob(descriptor))
    if "manifests" in manifest:
        manifest = _json(archive, _blob(_for_this_machine(file, manifest["manifests"])))
    layers = [_blob(layer) for layer in manifest["layers"]]
    return {"Config": _blob(manifest["config"]), "RepoTags": [name], "Layers": layers}


def _for_this_machine(file: Path, manifests: list[dict[str, Any]]) -> dict[str, Any]:
    wanted = ARCHITECTURES.get(platform.machine(), platform.machine())
    for manifest in manifests:
        system = manifest.get("platform") or {}
        if (system.get("os"), system.get("architecture")) == ("linux", wanted):
            return manifest
    raise UsageError(f"{file}: holds no image for linux/{wanted}")


def _blob(descriptor: Mapping[str, Any]) -> str:
    return "blobs/" + str(descriptor["digest"]).replace(":", "/")


def _json(archive: tarfile.TarFile, name: str) -> Any:
    stream = archive.extractfile(name)
    if stream is None:
        raise ValueError(f"{name} is no file")
    return json.load(stream)


def _rewrite(file: Path, target: Path, *, entries: list[dict[str, Any]]) -> None:
    # an outer compression would not let anything be appended, so all is written anew
    with tarfile.open(file) as archive, tarfile.open(target, "w") as copy:
        for member in archive:
            copy.addfile(member, archive.extractfile(member) if member.isfile() else None)
        listing = json.dumps(entries).encode()
        member = tarfile.TarInfo("manifest.json")
        member.size = len(listing)
        copy.addfile(member, io.BytesIO(listing))


def _names(file: Path, entries: list[dict[str, Any]]) -> tuple[str, ...]:
    names = tuple(name for entry in entries for name in entry.get("RepoTags") or ())
    if not names:
        raise UsageError(f"{file}: the image in it has no name; write one with `docker save NAME:TAG`")
    return names
