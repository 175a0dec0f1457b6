"""`python -m cc_ci.report.workload FOLDER DOCUMENT [RESULTS ...]`: what the real workload takes.

RESULTS are put into FOLDER, one for each recipe and cache state, without what no table shows; the tables go
between two markers of DOCUMENT. Weights of images come from FOLDER/images.json, which `cc-ci images list
--json` wrote.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

import msgspec

from cc_ci.errors import UsageError
from cc_ci.results.schema import RunResult, StageName
from cc_ci.results.store import load
from cc_ci.system.files import write_atomic
from cc_ci.system.units import Bytes, Seconds
from cc_ci.timing.actions import DATA

BLOCK = re.compile(r"(<!-- workload:begin -->\n).*?(<!-- workload:end -->)", re.DOTALL)
IMAGES = "images.json"
STAGES: tuple[StageName, ...] = get_args(StageName)


class ImageWeight(msgspec.Struct, frozen=True, kw_only=True):
    """One row of `cc-ci images list --json`; sizes are unpacked, `own_bytes` without what a parent shares."""

    name: str
    status: str
    size_bytes: Bytes | None = None
    own_bytes: Bytes | None = None
    seconds: Seconds | None = None


def compact(result: RunResult) -> RunResult:
    """The result without samples, the resources of single spans, and all spans but those of backups."""
    return msgspec.structs.replace(
        result,
        spans=tuple(span for span in result.spans if span.action == DATA and span.phase == "backup"),
        resources=result.resources[:1],
        samples=(),
        census=msgspec.structs.replace(result.census, before=None, after=None),
    )


def keep(result: RunResult, folder: Path) -> Path:
    """Write the compact result to FOLDER/RECIPE-CACHE.json."""
    if result.cache.asked is None or not result.cache.proved:
        raise UsageError(f"{result.run}: its cache state was not proved; run it with --cache cold or warm")
    path = folder / f"{result.recipe.name}-{result.cache.asked}.json"
    write_atomic(path, msgspec.json.encode(compact(result)) + b"\n")
    return path


def kept(folder: Path) -> tuple[RunResult, ...]:
    """All results that `keep` put into the folder, the lightest recipe first."""
    paths = [*folder.glob("*-cold.json"), *folder.glob("*-warm.json")]
    asked = [load(path) for path in sorted(paths)]
    warm = {result.recipe.name: result.total_seconds for result in asked if result.cache.asked == "warm"}
    return tuple(sorted(asked, key=lambda one: (warm.get(one.recipe.name, 0.0), one.cache.asked or "")))


def tables(results: Sequence[RunResult], images: Sequence[ImageWeight]) -> str:
    return (
        "\n\n".join("\n".join(part) for part in (_times(results), _costs(results), _weights(images))) + "\n"
    )


def _times(results: Sequence[RunResult]) -> Iterator[str]:
    stages = [name for name in STAGES if any(_seconds(result, name) for result in results)]
    yield f"| seconds | cache | {' | '.join(stages)} | whole run | verdict |"
    yield f"|---|---|{'---:|' * (len(stages) + 1)}---|"
    for result in results:
        cells = " | ".join(_seconds(result, name) or "-" for name in stages)
        whole = f"{result.total_seconds:.0f}"
        yield f"| {result.recipe.name} | {result.cache.asked} | {cells} | {whole} | {result.verdict} |"


def _seconds(result: RunResult, name: StageName) -> str | None:
    found = next((stage for stage in result.stages if stage.name == name), None)
    return f"{found.seconds:.0f}" if found and found.outcome != "skipped" else None


def _costs(results: Sequence[RunResult]) -> Iterator[str]:
    yield "| cost | cache | peak memory | CPU s, apps | CPU s, engine | archived | pulled |"
    yield "|---|---|---:|---:|---:|---:|---:|"
    for result in results:
        whole = result.resources[0]
        cells = (
            _megabytes(whole.stack.peak_working_set_bytes),
            _number(whole.stack.cpu_seconds),
            _number(whole.engine.cpu_seconds),
            _archived(result),
            _megabytes(sum(image.pulled_bytes or 0 for image in result.cache.images)),
        )
        yield f"| {result.recipe.name} | {result.cache.asked} | {' | '.join(cells)} |"


def _archived(result: RunResult) -> str:
    counts = [int(str(span.attributes["bytes"])) for span in result.spans if "bytes" in span.attributes]
    return f"{max(counts) / 1e3:.0f} kB" if counts else "-"


def _weights(images: Sequence[ImageWeight]) -> Iterator[str]:
    yield "| image | unpacked | beyond its parent | built in |"
    yield "|---|---:|---:|---:|"
    for image in sorted(images, key=lambda one: -(one.own_bytes or 0)):
        built = f"{image.seconds:.0f} s" if image.seconds is not None else "-"
        yield f"| {image.name} | {_megabytes(image.size_bytes)} | {_megabytes(image.own_bytes)} | {built} |"


def _megabytes(size: Bytes | None) -> str:
    return "-" if size is None else f"{size / 1e6:.0f} MB"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def filled(document: str, folder: Path) -> str:
    """The document with the tables of the folder between its markers. Raises UsageError if it has none."""
    if not BLOCK.search(document):
        raise UsageError(
            "document: no line `<!-- workload:begin -->` with a `<!-- workload:end -->` after it"
        )
    images = msgspec.json.decode((folder / IMAGES).read_bytes(), type=tuple[ImageWeight, ...])
    return BLOCK.sub(lambda found: found[1] + tables(kept(folder), images) + found[2], document)


def main() -> None:
    folder, document = Path(sys.argv[1]), Path(sys.argv[2])
    for path in sys.argv[3:]:
        keep(load(Path(path)), folder)
    write_atomic(document, filled(document.read_text(), folder))


if __name__ == "__main__":
    main()
