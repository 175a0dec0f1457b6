"""What a pull's progress messages add up to."""

from collections.abc import Iterable
from typing import Any

from cc_ci.engine.state import Image, PullReport
from cc_ci.errors import InfrastructureError, StageFailed

UNKNOWN = ("not found", "manifest unknown", "does not exist", "no matching manifest", "invalid reference")
"""What registries and engines say of an image that is not there, as against one that can't be had now."""

LAYER_STATES = ("Already exists", "Pulling fs layer", "Pull complete", "Downloading", "Extracting")


def refusal(reference: str, message: str, *, stand_ins: bool) -> StageFailed | InfrastructureError:
    """The error for a pull that failed: a wrong name is the recipe's fault, all else is not.

    With `stand_ins` the registry has no more than was brought into it, and tells nothing of names.
    """
    unknown = any(word in message for word in UNKNOWN)
    if unknown and stand_ins:
        return InfrastructureError(
            f"image {reference}: neither built nor loaded here; `cc-ci images load FILE` brings it, or"
            " `cc-ci node reset --images hub` a node that pulls from its own registry"
        )
    if unknown:
        return StageFailed(f"image {reference}: does not exist in its registry ({message})")
    return InfrastructureError(f"image {reference}: can't be pulled: {message}")


def pull_report(reference: str, messages: Iterable[dict[str, Any]], image: Image) -> PullReport:
    """Add the progress up; `bytes_pulled` counts what came over the wire, compressed."""
    present, extracted, digest = set[str](), set[str](), image.digest or ""
    layers, sizes = dict[str, None](), dict[str, int]()
    for message in messages:
        status, layer = message.get("status", ""), message.get("id", "")
        if status.startswith("Digest: "):
            digest = status.removeprefix("Digest: ")
        if status in LAYER_STATES:
            layers[layer] = None
        if status == "Already exists":
            present.add(layer)
        if status == "Pull complete":
            extracted.add(layer)
        if status == "Downloading":
            sizes[layer] = max(sizes.get(layer, 0), (message.get("progressDetail") or {}).get("total", 0))
    return PullReport(
        reference=reference,
        digest=digest,
        image_id=image.id,
        layers=tuple(layers),
        layers_present=len(present) or (0 if layers else len(image.diff_ids)),
        layers_extracted=len(extracted),
        bytes_pulled=sum(sizes.values()),
        downloaded=sizes,
        extracted=tuple(sorted(extracted)),
    )
