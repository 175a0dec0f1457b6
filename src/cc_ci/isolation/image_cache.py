"""Put a node's images into a known state before a run that has to prove it.

Recipes share layers with one another, so a recipe's images are cold only where no other recipe's are.
"""

from collections.abc import Iterable
from typing import Literal

from cc_ci.engine.api import Engine
from cc_ci.lab.proxy import IMAGE as PROXY_IMAGE


def prepare(engine: Engine, references: Iterable[str], *, cache: Literal["cold", "warm"]) -> None:
    """Remove all images but the node's own under `cold`, bring those of `references` under `warm`.

    No run may be under way on the node. Raises StageFailed for an image that its registry does not have.
    """
    if cache == "cold":
        empty(engine)
        return
    for reference in sorted(set(references)):
        if engine.image(reference) is None:
            engine.pull(reference)


def empty(engine: Engine) -> None:
    """Remove every image but the proxy's, by each of its names."""
    for image in engine.images():
        for name in image.tags or image.digests or (image.id,):
            if not name.startswith(PROXY_IMAGE):
                engine.remove_image(name)
