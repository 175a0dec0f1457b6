"""Bring a version's images to the node before it is deployed, and prove what the cache held.

A pull is a phase of its own: a cold one may outlast any deploy timeout.
"""

import contextlib
import queue
import threading
from collections.abc import Callable, Iterable, Sequence

import msgspec

from cc_ci.engine.api import Image
from cc_ci.engine.state import PullReport
from cc_ci.errors import InfrastructureError, Unverified, UsageError
from cc_ci.results.measured import Cache
from cc_ci.results.schema import ImageTransfer
from cc_ci.stages.bench import Bench
from cc_ci.system.threads import Pool


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
    bench.note_images(wanted, brought=absent(bench, wanted))
    _pull_all(bench, wanted)
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


def make_room(bench: Bench) -> None:
    """Prune images that no active recipe needs; what keeps it from that is told, and spoils no run."""
    if bench.make_room is None:
        return
    with bench.span("remove images that no active recipe needs", "teardown"):
        try:
            gone = [one.use.image for one in bench.make_room() if one.because is None]
        except InfrastructureError as error:
            bench.findings.warn("images-kept", f"images.keep=active: {error}")
            return
    if gone:
        bench.findings.warn(
            "images-pruned",
            f"images.keep=active: the disk was nearly full, so {', '.join(gone)} went: no recipe that is "
            "enrolled or was run lately needs them",
        )


def _pull_all(bench: Bench, references: Sequence[str]) -> None:
    """So many beside each other as the lever says; where one fails, the others are not waited for."""
    most = min(bench.waits.pulls, len(references))
    if most < 2:  # noqa: PLR2004 - nothing is beside one
        for reference in references:
            _pull(bench, reference)
        return
    left, told = queue.SimpleQueue[str](), _ToldOnce()
    for reference in references:
        left.put(reference)
    with Pool() as pool:
        for done in [pool.submit(_pull_what_is_left, bench, left, told) for _ in range(most)]:
            done.result()
    bench.findings.transfers.sort(key=lambda one: one.reference)


def _pull_what_is_left(bench: Bench, left: queue.SimpleQueue[str], told: "_ToldOnce") -> None:
    with contextlib.suppress(queue.Empty):
        while True:
            _pull(bench, left.get_nowait(), tell=told)


class _ToldOnce:
    """Counts a layer that two pulls beside each other share for the first of them: it came once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._layers: set[str] = set()

    def __call__(self, report: PullReport) -> PullReport:
        with self._lock:
            new = {layer: size for layer, size in report.downloaded.items() if layer not in self._layers}
            extracted = [layer for layer in report.extracted if layer not in self._layers]
            self._layers.update(report.downloaded, report.extracted)
        shared = len(report.extracted) - len(extracted)
        return msgspec.structs.replace(
            report,
            bytes_pulled=report.bytes_pulled - sum(report.downloaded.values()) + sum(new.values()),
            layers_extracted=report.layers_extracted - shared,
        )


def _as_told(report: PullReport) -> PullReport:
    return report


def _pull(bench: Bench, reference: str, *, tell: Callable[[PullReport], PullReport] = _as_told) -> None:
    waits_for = f"the pull of {reference}"
    with bench.span(f"pull {reference}", "images_pull", kind="pull", waits_for=waits_for) as span:
        report = tell(bench.engine.pull(reference))
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
