"""What commands about kept images share: the node, its engine, and where its images are written down."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from cc_ci.isolation import kept_images
from cc_ci.isolation.kept_images import KeptImages, Pruned
from cc_ci.system.units import Bytes, EpochSeconds

if TYPE_CHECKING:
    from cc_ci.engine.api import Engine
    from cc_ci.system.settings import Settings


@dataclass(frozen=True, kw_only=True)
class EnrolledImages:
    """One node's. `free` is None where its disk is another machine's."""

    node: str
    engine: "Engine"
    settings: "Settings"
    file: Path
    now: EpochSeconds
    free: Callable[[], Bytes] | None

    @classmethod
    def on(cls, name: str | None) -> Self:
        from cc_ci.cli.chosen_node import chosen_node
        from cc_ci.engine.docker_engine import connect
        from cc_ci.lab.places import places
        from cc_ci.system.clock import SystemClock
        from cc_ci.system.process import LocalRunner
        from cc_ci.system.settings import load_settings

        settings = load_settings({"node": name})
        node = chosen_node(settings)
        root = places(node.name).engine_root
        return cls(
            node=node.name,
            engine=connect(node, LocalRunner()),
            settings=settings,
            file=kept_images.ledger(node.name),
            now=SystemClock().now(),
            free=(lambda: shutil.disk_usage(root).free) if node.private else None,
        )

    def told(self, gone: Sequence[Pruned], *, dry: bool) -> Iterator[str]:
        """What became of each image, a line each, and how much stays."""
        for one in gone:
            done = "would go" if dry else "removed"
            said = f"stays: {one.because}" if one.because else done
            yield f"{one.use.image}: {said} ({one.use.recipe}, {_ago(self.now - one.use.at)})"
        active = kept_images.read(self.file).active(now=self.now)
        yield f"node {self.node}: {len(active)} images of active recipes stay"


def _ago(seconds: float) -> str:
    days = int(seconds // 86400)
    return "used today" if days < 1 else f"last used {days} day{'s' if days > 1 else ''} ago"


def rows(kept: KeptImages) -> list[dict[str, object]]:
    """Enrolled recipes with their images."""
    return [{"recipe": one.recipe, "images": list(one.images)} for one in kept.enrolled]
