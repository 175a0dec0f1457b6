"""Stand-in images: how each is defined, under which upstream name it is served, and whether it is there."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from cc_ci.errors import InfrastructureError, UsageError
from cc_ci.lab.sources import lab_folder
from cc_ci.system.files import state_root, write_atomic
from cc_ci.system.units import Bytes, EpochSeconds, Seconds

BUILD_FORMAT = 1
"""Raised when the way of building changes what comes out, so that all is built again."""

LOADED = "loaded"
"""In the place of a definition's hash: the image was brought in, not built."""

NOT_IN_THE_IMAGE = frozenset({"image.toml", "contract.toml"})

StandInStatus = Literal["built", "loaded", "outdated", "missing"]


class ImageName(msgspec.Struct, frozen=True, kw_only=True):
    """An image reference taken apart: docker.io, library/nginx, 1.22.1."""

    upstream: str
    path: str
    tag: str

    def __str__(self) -> str:
        return f"{self.upstream}/{self.path}:{self.tag}"


Root = Literal["system", "packages", "layer"]
"""What an image starts from: a whole Debian system, the files of packages alone, or a parent image."""


class StandInVersion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`suite` is Debian's, `parent` another stand-in as FOLDER:TAG: one of the two is there.

    `build_packages` are there while fetch.sh runs, and not in the image.
    """

    suite: str | None = None
    parent: str | None = None
    packages: tuple[str, ...] = ()
    build_packages: tuple[str, ...] = ()


class Definition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `image.toml` says."""

    repository: str
    summary: str
    root: Root
    versions: dict[str, StandInVersion]
    demo: bool = False


class StandIn(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a stand-in; `folder` holds its Dockerfile and what goes in."""

    short_name: str
    name: ImageName
    summary: str
    root: Root
    demo: bool
    suite: str
    packages: tuple[str, ...]
    build_packages: tuple[str, ...] = ()
    parent: "StandIn | None" = None
    folder: Path

    @property
    def short(self) -> str:
        return f"{self.short_name}:{self.name.tag}"

    @property
    def lineage(self) -> tuple["StandIn", ...]:
        """Its parents, the first of all first, and itself."""
        return (*(self.parent.lineage if self.parent else ()), self)


class ImageRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What was put into the registry, kept beside it; `definition` is a hash or LOADED."""

    reference: str
    definition: str
    digest: str
    size_bytes: Bytes
    contents: str
    seconds: Seconds
    made_at: EpochSeconds


def split(reference: str) -> ImageName:
    """Take a reference apart as Docker does. Raises UsageError where there is no tag or a digest."""
    host, slash, rest = reference.partition("/")
    named_host = bool(slash) and ("." in host or ":" in host or host == "localhost")
    upstream, remainder = (host, rest) if named_host else ("docker.io", reference)
    path, colon, tag = remainder.rpartition(":")
    if not colon or "@" in remainder:
        raise UsageError(f"{reference}: not an image name with a tag; give one such as nginx:1.22.1")
    upstream = upstream.removeprefix("index.")
    if upstream == "docker.io" and "/" not in path:
        path = f"library/{path}"
    return ImageName(upstream=upstream, path=path, tag=tag)


def read_images(root: Path | None = None) -> tuple[StandIn, ...]:
    """Read all definitions under lab/images. Raises InfrastructureError for one that can't be read."""
    files = sorted((root or lab_folder() / "images").glob("*/image.toml"))
    drafts = {
        f"{file.parent.name}:{tag}": (file, tag) for file in files for tag in _definition(file).versions
    }
    return tuple(_image(short, drafts, below=()) for short in drafts)


def _definition(file: Path) -> Definition:
    try:
        return msgspec.toml.decode(file.read_bytes(), type=Definition)
    except (msgspec.MsgspecError, ValueError) as error:
        raise InfrastructureError(f"{file}: {error}") from error


def _image(short: str, drafts: Mapping[str, tuple[Path, str]], *, below: tuple[str, ...]) -> StandIn:
    """One version, its parent read first; `below` are those whose parent it is."""
    if short not in drafts or short in below:
        why = "its own parent" if short in below else "no such stand-in"
        raise InfrastructureError(f"{drafts[below[-1]][0]}: parent: {short}: {why}")
    file, tag = drafts[short]
    definition = _definition(file)
    version = definition.versions[tag]
    if (version.suite is None) == (version.parent is None):
        raise InfrastructureError(f"{file}: versions.{tag}: give it a suite or a parent, one of the two")
    if (definition.root == "layer") != (version.parent is not None):
        raise InfrastructureError(f'{file}: versions.{tag}: a parent goes with root = "layer"')
    parent = _image(version.parent, drafts, below=(*below, short)) if version.parent else None
    return StandIn(
        short_name=file.parent.name,
        name=split(f"{definition.repository}:{tag}"),
        summary=definition.summary,
        root=definition.root,
        demo=definition.demo,
        suite=version.suite or (parent.suite if parent else ""),
        packages=version.packages,
        build_packages=version.build_packages,
        parent=parent,
        folder=file.parent,
    )


def select(images: Sequence[StandIn], names: Sequence[str]) -> tuple[StandIn, ...]:
    """The images that are meant by `nginx`, `nginx:1.22.1` or a full reference; none given: the demo's."""
    if not names:
        return tuple(image for image in images if image.demo)
    chosen = {image.name: image for name in names for image in _named(images, name)}
    return tuple(chosen.values())


def _named(images: Sequence[StandIn], name: str) -> tuple[StandIn, ...]:
    found = tuple(image for image in images if name in (image.short_name, image.short, str(image.name)))
    if not found:
        known = ", ".join(image.short for image in images)
        raise UsageError(f"{name}: no such stand-in image; there are {known}")
    return found


def definition_hash(image: StandIn) -> str:
    """Hash all that decides what the image will hold; packages' own versions are not known before."""
    decides: tuple[object, ...] = (BUILD_FORMAT, image.root, image.suite, image.packages)
    if image.parent:
        decides = (*decides, image.build_packages, definition_hash(image.parent))
    digest = hashlib.sha256(msgspec.json.encode(decides))
    for path in sorted(image.folder.rglob("*")):
        if path.is_file() and path.name not in NOT_IN_THE_IMAGE:
            mode = path.stat().st_mode & 0o777
            digest.update(f"{path.relative_to(image.folder)}\0{mode:o}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def storage(upstream: str, *, state: Path | None = None) -> Path:
    """Where the lab's registry for one upstream name keeps its blobs."""
    return (state or state_root()) / "registry" / upstream


def digest_in_registry(name: ImageName, *, state: Path | None = None) -> str | None:
    """The manifest digest that the registry's files give for a tag; no registry need run."""
    tags = storage(name.upstream, state=state) / "docker/registry/v2/repositories" / name.path
    link = tags / "_manifests/tags" / name.tag / "current/link"
    return link.read_text().strip() if link.is_file() else None


def status(image: StandIn, *, state: Path | None = None) -> StandInStatus:
    record = read_record(image.name, state=state)
    if record is None or record.digest != digest_in_registry(image.name, state=state):
        return "missing"
    if record.definition == LOADED:
        return "loaded"
    return "built" if record.definition == definition_hash(image) else "outdated"


def loaded(stand_ins: Sequence[StandIn], *, state: Path | None = None) -> tuple[ImageRecord, ...]:
    """Records of images that were brought in under names that no stand-in has."""
    known = {str(image.name) for image in stand_ins}
    records = (
        msgspec.json.decode(path.read_bytes(), type=ImageRecord)
        for path in sorted(_records(state).glob("*.json"))
    )
    return tuple(record for record in records if record.reference not in known)


def read_record(name: ImageName, *, state: Path | None = None) -> ImageRecord | None:
    path = record_path(name, state=state)
    return msgspec.json.decode(path.read_bytes(), type=ImageRecord) if path.is_file() else None


def write_record(record: ImageRecord, *, state: Path | None = None) -> None:
    write_atomic(record_path(split(record.reference), state=state), msgspec.json.encode(record))


def own_bytes(image: StandIn, *, state: Path | None = None) -> Bytes | None:
    """What the image weighs beyond its parent; None where that is not known."""
    record = read_record(image.name, state=state)
    if record is None or image.parent is None:
        return record.size_bytes if record else None
    below = read_record(image.parent.name, state=state)
    return record.size_bytes - below.size_bytes if below else None


def record_path(name: ImageName, *, state: Path | None = None) -> Path:
    file = f"{name.upstream}_{name.path}_{name.tag}".replace("/", "_").replace(":", "_")
    return _records(state) / f"{file}.json"


def _records(state: Path | None) -> Path:
    return (state or state_root()) / "images" / "records"


def origin(references: Iterable[str], *, state: Path | None = None) -> Literal["stand-in", "loaded"]:
    """What the lab's registry has under these names: `loaded` if all of it was brought in."""
    names = set(references)
    brought = bool(names) and all(_was_loaded(reference, state=state) for reference in names)
    return "loaded" if brought else "stand-in"


def _was_loaded(reference: str, *, state: Path | None) -> bool:
    try:
        record = read_record(split(reference), state=state)
    except UsageError:
        # no tag, or a digest: no name that the lab's registry gives
        return False
    return record is not None and record.definition == LOADED
