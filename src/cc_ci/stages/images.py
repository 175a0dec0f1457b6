"""Bring a version's images to the node before it is deployed, and prove what the cache held.

A pull is a phase of its own: a cold one may outlast any deploy timeout.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from cc_ci.engine.api import Image
from cc_ci.errors import InfrastructureError, Unverified, UsageError
from cc_ci.results.schema import ImageTransfer
from cc_ci.stages.bench import Bench

Cache = Literal["cold", "warm"]


@dataclass(kw_only=True)
class Pulls:
    """The pulls of one run; `references` are those of all of them, over which the cache is proved."""

    bench: Bench
    references: tuple[str, ...]
    cache: Cache | None
    _before: frozenset[str] | None = None
    """Layers on the node before the first pull."""
    _proofs: list[bool] = field(default_factory=list)

    def bring(self, references: Iterable[str]) -> None:
        """Pull each image; under `cold`, prove that no layer of it was there, under `warm` that all were.

        Raises StageFailed for an image that its registry does not have.
        """
        wanted = tuple(sorted(set(references)))
        if self.cache == "warm":
            _require(self.bench, wanted)
        before = self._begun()
        self.bench.findings.cache_proved = None
        self._proofs.append(False)
        for reference in wanted:
            _pull(self.bench, reference)
        if self.cache:
            self._proofs[-1] = _proved(self.bench, wanted, before, cache=self.cache)
            self.bench.findings.cache_proved = all(self._proofs) or None

    def _begun(self) -> frozenset[str]:
        """Make the node cold once, for all pulls: two versions may share a layer."""
        if self._before is None:
            if self.cache == "cold":
                with self.bench.span("remove the recipe's images", "images_pull"):
                    _remove(self.bench, tuple(sorted(set(self.references))))
            with self.bench.span("list layers", "images_pull"):
                self._before = self.bench.engine.image_layers()
        return self._before


def _pull(bench: Bench, reference: str) -> None:
    with bench.span(f"pull {reference}", "images_pull", waits_for=f"the pull of {reference}") as span:
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
