"""What runs were made with, in words, so that it is seen where two differ in more than their times. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

import msgspec

from cc_ci.results.engines import engine_of
from cc_ci.results.schema import RunResult
from cc_ci.system.units import Bytes

OR = " or "
"""Between what was seen of several runs."""


def settings(runs: Iterable[RunResult]) -> dict[str, str]:
    """Each setting by its name, with all values that it had."""
    readings: dict[str, Callable[[RunResult], object]] = {
        "recipe": lambda run: run.recipe.name,
        "old version": lambda run: run.recipe.version_from,
        "new version": lambda run: run.recipe.version_to,
        "recipe's commit": lambda run: run.recipe.commit_to,
        "uncommitted changes": lambda run: run.recipe.dirty,
        "variant": lambda run: " ".join(run.recipe.variant) or "none",
        "provider": lambda run: run.provider and f"{run.provider.name} {run.provider.version}",
        "suite": lambda run: run.recipe.suite_hash,
        "arm": lambda run: f"{run.arm} ({run.arm.digest})",
        "cache": lambda run: run.cache.asked or "as it was",
        "CPUs": lambda run: run.environment.cpus,
        "memory": lambda run: run.environment.memory_bytes,
        "machine's CPUs": lambda run: run.environment.machine_cpus,
        "machine's memory": lambda run: _gibibytes(run.environment.machine_memory_bytes),
        "kernel": lambda run: run.environment.kernel,
        "images": lambda run: run.environment.images_kind,
        "cc-ci": lambda run: run.cc_ci_version,
    }
    seen: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for one in runs:
        for name, read in readings.items():
            seen[name][str(read(one))] = None
        for name, value in (*_engine(one), *_levers(one), *_digests(one)):
            seen[name][value] = None
    return {name: OR.join(sorted(values)) for name, values in seen.items()}


def _gibibytes(size: Bytes | None) -> str:
    """Whole ones: a kernel's own share differs by a few MB."""
    return "unknown" if size is None else f"{size / 2**30:.0f} GiB"


def _engine(run: RunResult) -> Iterator[tuple[str, str]]:
    """The parts of its engine that it tells: older results have the version alone."""
    for part, value in msgspec.structs.asdict(engine_of(run.environment)).items():
        if value is not None:
            yield part.replace("_", " "), value


def _levers(run: RunResult) -> Iterator[tuple[str, str]]:
    for name, value in run.levers.items():
        yield f"lever {name}", "as the recipe has it" if value is None else str(value)


def _digests(run: RunResult) -> Iterator[tuple[str, str]]:
    """The digest of each image, since tags move."""
    for image in run.recipe.images:
        if image.digest:
            yield f"digest of {image.reference}", image.digest.removeprefix("sha256:")[:12]
