"""Bring a version's images to the node before it is deployed, and prove what the cache held.

A pull is a phase of its own: a cold one may outlast any deploy timeout.
"""

from collections.abc import Iterable

from cc_ci.engine.api import Image
from cc_ci.errors import InfrastructureError, Unverified, UsageError
from cc_ci.results.measured import Cache
from cc_ci.results.schema import ImageTransfer
from cc_ci.stages.bench import Bench


def layers_before(bench: Bench, references: Iterable[str], *, cache: Cache | None) -> frozenset[str]:
    """The layers on the node before a run's first pull, of which `references` are all that it will pull.

    Under `cold` the node is made so here, once for all pulls: two versions may share a layer.
    """
    if cache == "cold" and not bench.node.private:
        raise UsageError(
            f"--cache cold: node {bench.node.name} is not cc-ci's own, and its images may be in use"
        )
    if cache == "cold":
        with bench.span("remove the recipe's images", "images_pull"):
            _remove(bench, tuple(sorted(set(references))))
    with bench.span("list layers", "images_pull"):
        return bench.engine.image_layers()


def bring_images(
    bench: Bench, references: Iterable[str], *, before: frozenset[str], cache: Cache | None
) -> None:
    """Pull each image; under `cold`, prove that no layer was there `before`, under `warm` that all were.

    Raises StageFailed for an image that its registry does not have.
    """
    wanted = tuple(sorted(set(references)))
    if cache == "warm":
        _require(bench, wanted)
    # until it is shown; a pull that fails leaves it so
    bench.findings.cache_proofs.append(False)
    for reference in wanted:
        _pull(bench, reference)
    if cache:
        bench.findings.cache_proofs[-1] = _proved(bench, wanted, before, cache=cache)


def absent(bench: Bench, references: Iterable[str]) -> tuple[str, ...]:
    """Those of `references` that are not on the node."""
    return tuple(one for one in sorted(set(references)) if bench.engine.image(one) is None)


def drop(bench: Bench, references: tuple[str, ...]) -> None:
    """Remove images that the run brought, unless another run is on the node: it may be about to use them."""
    others = bench.holdings.neighbours()
    if references and others:
        bench.findings.warn(
            "images-kept", f"images.keep=no: run {min(others)} was on the node, so that its images stay"
        )
        return
    with bench.span("remove the images that the run brought", "teardown"):
        _remove(bench, references)


def _pull(bench: Bench, reference: str) -> None:
    waits_for = f"the pull of {reference}"
    with bench.span(f"pull {reference}", "images_pull", kind="pull", waits_for=waits_for) as span:
        report = bench.engine.pull(reference)
        span.note(bytes=report.bytes_pulled, layers_extracted=report.layers_extracted)
    bench.findings.transfers.append(
        ImageTransfer(
            reference=reference,
            digest=report.digest,
            layers=len(report.layers),
            layers_present_before=report.layers_present,
            layers_extracted=report.layers_extracted,
            pulled_bytes=report.bytes_pulled,
            seconds=span.end and span.end - span.start,
        )
    )


def _remove(bench: Bench, references: tuple[str, ...]) -> None:
    for reference in references:
        if bench.engine.image(reference):
            bench.engine.remove_image(reference)


def _require(bench: Bench, references: tuple[str, ...]) -> None:
    missing = [reference for reference in references if bench.engine.image(reference) is None]
    if missing:
        raise UsageError(f"--cache warm: {missing[0]} is not on the node; run once without --cache")


def _proved(bench: Bench, references: tuple[str, ...], before: frozenset[str], *, cache: Cache) -> bool:
    """Hold the layers that the images have now against those that the node had before the pull."""
    layers = {layer for reference in references for layer in _present(bench, reference).diff_ids}
    if cache == "warm" and not layers <= before:
        raise Unverified(f"--cache warm: {len(layers - before)} layers were not there; the tag has moved on")
    if cache == "cold" and layers & before:
        others = "another image on the node holds them; `cc-ci node reset` empties it"
        raise Unverified(f"--cache cold: {len(layers & before)} of {len(layers)} layers were there; {others}")
    return True


def _present(bench: Bench, reference: str) -> Image:
    image = bench.engine.image(reference)
    if image is None:
        raise InfrastructureError(f"{reference}: pulled, but not on the node; was it pruned meanwhile?")
    return image
