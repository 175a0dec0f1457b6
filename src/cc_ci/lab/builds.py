"""Building stand-in images on the builder, or bringing real ones in, and putting both into the registry."""

import itertools
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from cc_ci.lab import base, images
from cc_ci.lab.archives import loadable
from cc_ci.lab.images import ImageName, ImageRecord, StandIn
from cc_ci.lab.layers import LayerBuild
from cc_ci.lab.push import push, writable_registry
from cc_ci.lab.workshop import Builder
from cc_ci.system.process import check
from cc_ci.system.units import Seconds

LABEL = "cc-ci"
"""Prefix of the labels that say what a stand-in is."""


def outdated(wanted: Sequence[StandIn]) -> tuple[StandIn, ...]:
    """Those that must be built: not in the registry, or defined otherwise since. Loaded ones are kept.

    Parents of those come before them.
    """
    due = (image for image in wanted if _due(image))
    return tuple({one.name: one for image in due for one in image.lineage if _due(one)}.values())


def _due(image: StandIn) -> bool:
    return images.status(image) in ("missing", "outdated")


def build(wanted: Sequence[StandIn], *, builder: Builder) -> tuple[ImageRecord, ...]:
    """Build each image from its definition and push it; what is finished stays."""
    base.make_bases(
        (image.suite for image in wanted if _needs_base(image)), runner=builder.runner, say=builder.say
    )
    made: list[ImageRecord] = []
    due = _with_lost_parents(wanted, builder=builder)
    numbers = {image.name: f"image {number} of {len(due)}" for number, image in enumerate(due, start=1)}
    for upstream, group in itertools.groupby(due, key=lambda image: image.name.upstream):
        with writable_registry(upstream, builder=builder):
            for image in group:
                builder.say(f"{image.short}: {numbers[image.name]}")
                made.append(_build_one(image, builder=builder))
    return tuple(made)


def _needs_base(image: StandIn) -> bool:
    """An image without packages may be made of the definition's files alone."""
    return bool(image.packages) or image.root != "packages"


def load(file: Path, *, builder: Builder) -> tuple[ImageRecord, ...]:
    """Push the images of a `docker save` or OCI archive under their own names."""
    archive, references = loadable(file, work=builder.scratch)
    builder.say(f"{file.name}: loading {', '.join(references)}")
    check(builder.docker("load", "--input", str(archive)), what=f"docker load {file.name}")
    return tuple(_load_one(reference, file=file, builder=builder) for reference in references)


def _load_one(reference: str, *, file: Path, builder: Builder) -> ImageRecord:
    name = images.split(reference)
    origin = _Origin(
        definition=images.LOADED, contents=f"loaded from {file.name}", started=builder.clock.monotonic()
    )
    with writable_registry(name.upstream, builder=builder):
        return _publish(reference, name, origin=origin, builder=builder)


def _build_one(image: StandIn, *, builder: Builder) -> ImageRecord:
    started = builder.clock.monotonic()
    definition = images.definition_hash(image)
    with tempfile.TemporaryDirectory(dir=builder.scratch) as scratch:
        context = Path(scratch) / "context"
        shutil.copytree(image.folder, context)
        contents = _rootfs(image, work=Path(scratch), into=context / "rootfs.tar", builder=builder)
        builder.say(f"{image.short}: building the image")
        argv = build_argv(image, definition=definition, contents=contents, context=context)
        check(builder.docker(*argv), what=f"docker build {image.short}")
    builder.say(f"{image.short}: putting it into the registry as {image.name}")
    origin = _Origin(definition=definition, contents=contents, started=started)
    return _publish(image.short, image.name, origin=origin, builder=builder)


def _rootfs(image: StandIn, *, work: Path, into: Path, builder: Builder) -> str:
    """What the Dockerfile adds first."""
    if not _needs_base(image):
        return image.summary
    if image.parent:
        return LayerBuild(image, work=work, builder=builder).make(into=into)
    return base.rootfs(image, work=work, into=into, runner=builder.runner, say=builder.say)


def _with_lost_parents(wanted: Sequence[StandIn], *, builder: Builder) -> tuple[StandIn, ...]:
    """Parents that the builder has not as they are defined come first: its engine may have been reset."""
    found: dict[ImageName, StandIn] = {}
    given = {image.name for image in wanted}
    for image in wanted:
        lost = (one for one in image.lineage[:-1] if one.name not in given and not _on_builder(one, builder))
        found |= {one.name: one for one in (*lost, image)}
    return tuple(found.values())


def _on_builder(image: StandIn, builder: Builder) -> bool:
    template = f'--format={{{{index .Config.Labels "{LABEL}.stand-in.definition"}}}}'
    there = builder.docker("image", "inspect", template, image.short)
    return there.stdout.strip() == images.definition_hash(image)


def build_argv(image: StandIn, *, definition: str, contents: str, context: Path) -> list[str]:
    """The client's arguments; the build gets no network, so that all it holds is in the definition."""
    labels = {
        f"{LABEL}.stand-in": "true",
        f"{LABEL}.stand-in.contents": contents,
        f"{LABEL}.stand-in.definition": definition,
        "org.opencontainers.image.title": str(image.name),
        "org.opencontainers.image.description": f"Stand-in, not the official image: {image.summary}",
        "org.opencontainers.image.version": image.name.tag,
    }
    flags = [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]
    fixed = ["build", "--network=none", "--force-rm", "--no-cache", f"--build-arg=VERSION={image.name.tag}"]
    parent = [f"--build-arg=PARENT={image.parent.short}"] if image.parent else []
    return [*fixed, *parent, *flags, "--tag", image.short, str(context)]


class _Origin(msgspec.Struct, frozen=True, kw_only=True):
    definition: str
    contents: str
    started: Seconds


def _publish(local: str, name: ImageName, *, origin: _Origin, builder: Builder) -> ImageRecord:
    digest = push(local, name, builder=builder)
    size = check(builder.docker("image", "inspect", "--format={{.Size}}", local)).stdout
    record = ImageRecord(
        reference=str(name),
        definition=origin.definition,
        digest=digest,
        size_bytes=int(size),
        contents=origin.contents,
        seconds=builder.clock.monotonic() - origin.started,
        made_at=builder.clock.now(),
    )
    images.write_record(record)
    return record
