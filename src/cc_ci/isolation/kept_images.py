"""Which images runs brought to a node, for whom and when: what may go when the disk fills, and what may not.

Only what a run brought is ever pruned: an image that was there before is the node's own, or somebody else's,
whatever recipe names it. A recipe is
active while it is enrolled, or was run in the last days; what it needs stays.
"""

import contextlib
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Protocol

import filelock
import msgspec

from cc_ci.engine.api import Engine
from cc_ci.engine.node import Node
from cc_ci.errors import CcCiError, InfrastructureError
from cc_ci.lab.places import places
from cc_ci.system.files import state_root, write_atomic
from cc_ci.system.units import Bytes, EpochSeconds, Seconds

ACTIVE_FOR: Seconds = 14 * 24 * 3600.0
"""After a run of its recipe. Hubs limit pulls, and a nightly run may be red and off for a week."""
WATERMARK = 0.15
"""Of a private node's disk: with less than that free, images that nobody needs are in the way."""


class ImageUse(msgspec.Struct, frozen=True, kw_only=True):
    """That a recipe needs an image, since when last; `ours`: a run, or `cc-ci enroll`, brought it."""

    image: str
    recipe: str
    at: EpochSeconds
    ours: bool = False


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
    """A recipe whose images are pulled ahead, and stay; `recipe` as a person named it."""

    recipe: str
    images: tuple[str, ...]
    at: EpochSeconds


class KeptImages(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a node's images."""

    uses: tuple[ImageUse, ...] = ()
    enrolled: tuple[Enrolled, ...] = ()

    def used(
        self, images: Iterable[str], *, recipe: str, at: EpochSeconds, brought: Collection[str] = ()
    ) -> "KeptImages":
        """The same, with a use more of each; of one recipe and image the last counts.

        `brought` are those that were not there before. Once ours, an image is ours until it is pruned.
        """
        ours = {use.image for use in self.uses if use.ours}.union(brought)
        new = {
            (image, recipe): ImageUse(image=image, recipe=recipe, at=at, ours=image in ours)
            for image in images
        }
        old = {(use.image, use.recipe): use for use in self.uses}
        return msgspec.structs.replace(self, uses=tuple({**old, **new}.values()))

    def enrol(self, one: Enrolled) -> "KeptImages":
        others = (other for other in self.enrolled if other.recipe != one.recipe)
        return msgspec.structs.replace(self, enrolled=(*others, one))

    def unenrol(self, recipe: str) -> "KeptImages":
        left = tuple(one for one in self.enrolled if one.recipe != recipe)
        return msgspec.structs.replace(self, enrolled=left)

    def without(self, images: Collection[str]) -> "KeptImages":
        left = tuple(use for use in self.uses if use.image not in images)
        return msgspec.structs.replace(self, uses=left)

    def active(self, *, now: EpochSeconds) -> frozenset[str]:
        """What enrolled recipes need, and those that were run lately."""
        lately = {use.image for use in self.uses if now - use.at < ACTIVE_FOR}
        return frozenset(lately.union(*(one.images for one in self.enrolled)))

    def prunable(self, *, now: EpochSeconds) -> tuple[ImageUse, ...]:
        """The last use of each image that is ours and that nobody active needs, the oldest first."""
        active = self.active(now=now)
        ours = {use.image for use in self.uses if use.ours}
        last: dict[str, ImageUse] = {}
        for use in sorted(self.uses, key=lambda use: use.at):
            last.pop(use.image, None)
            last[use.image] = use
        return tuple(use for use in last.values() if use.image in ours - active)


class Pruned(msgspec.Struct, frozen=True, kw_only=True):
    """One image that went, or that could not, with the reason."""

    use: ImageUse
    because: str | None = None


def ledger(node: str) -> Path:
    """Where a node's are written down; `node` may be a host's name or an address."""
    return state_root() / "images-of-nodes" / f"{node.replace('/', '_')}.json"


def read(file: Path) -> KeptImages:
    try:
        return msgspec.json.decode(file.read_bytes(), type=KeptImages)
    except FileNotFoundError:
        return KeptImages()
    except msgspec.MsgspecError as error:
        remedy = "remove it; the images that it lists are kept then"
        raise InfrastructureError(f"{file}: can't be read: {error}; {remedy}") from error


@contextlib.contextmanager
def changed(file: Path) -> Iterator[Callable[[KeptImages], None]]:
    """Read and write it while nobody else does: call what is yielded with what is to stand there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(file.with_suffix(".lock")):
        yield lambda kept: write_atomic(file, msgspec.json.encode(kept))


def note(
    file: Path, images: Iterable[str], *, recipe: str, at: EpochSeconds, brought: Collection[str] = ()
) -> None:
    """Write down that a run needs these, before it pulls them: `brought` are those that are not there.

    Into a new file, where the old one can't be read.
    """
    with changed(file) as write:
        try:
            kept = read(file)
        except InfrastructureError:
            # images that are listed nowhere are pruned by nobody
            kept = KeptImages()
        write(kept.used(images, recipe=recipe, at=at, brought=brought))


def prune(
    engine: Engine,
    file: Path,
    *,
    now: EpochSeconds,
    free: Callable[[], Bytes] | None = None,
    wanted_free: Bytes | None = None,
    dry: bool = False,
) -> tuple[Pruned, ...]:
    """Remove what no active recipe needs, the least lately used first, until `wanted_free` is free.

    What a container is made from stays. No run can begin to need one of them meanwhile: it would write so.
    """
    gone: list[Pruned] = []
    while not (free and wanted_free is not None and free() >= wanted_free):
        # for one image at a time: a run that begins meanwhile waits no longer than that
        with changed(file) as write:
            kept = read(file)
            tried = {one.use.image for one in gone}
            use = next((use for use in kept.prunable(now=now) if use.image not in tried), None)
            if use is None:
                break
            because = None if dry else _removed(engine, use.image)
            gone.append(Pruned(use=use, because=because))
            if not dry and because is None:
                write(kept.without({use.image}))
    return tuple(gone)


class DiskSpace(Protocol):
    """As `shutil.disk_usage` tells it."""

    @property
    def total(self) -> Bytes: ...
    @property
    def free(self) -> Bytes: ...


def make_room(
    engine: Engine,
    node: Node,
    *,
    now: EpochSeconds,
    space: Callable[[Path], DiskSpace] = shutil.disk_usage,
) -> tuple[Pruned, ...]:
    """Prune where less than WATERMARK of the node's disk is free, until so much is; not on others' disks."""
    root = places(node.name).engine_root
    if not node.private or not root.is_dir():
        return ()
    wanted = int(space(root).total * WATERMARK)
    return prune(engine, ledger(node.name), now=now, free=lambda: space(root).free, wanted_free=wanted)


def _removed(engine: Engine, image: str) -> str | None:
    """Remove it; what kept it from going otherwise."""
    try:
        there = engine.image(image)
        if there and there.id in {container.image_id for container in engine.containers()}:
            return "a container is made from it"
        if there:
            engine.remove_image(image)
    except CcCiError as error:
        return str(error)
    return None
