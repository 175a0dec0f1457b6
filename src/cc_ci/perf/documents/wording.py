"""What every document says in the same words."""

from collections.abc import Sequence

from cc_ci.perf.analysis.attribution import Times
from cc_ci.perf.analysis.statistics import median
from cc_ci.perf.baselines.measured_set import Set
from cc_ci.perf.documents.tables import seconds
from cc_ci.results.measured import Measured

IMAGES = {
    "stand-in": "stand-in images",
    "loaded": "true images from an archive",
    "hub": "true images from their registries",
}


def joined(parts: Sequence[str]) -> str:
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def made_from(measured: Set) -> str:
    asked, host = measured.facts.asked, measured.facts.host
    counting = [one for one in measured.measured if one.counts]
    boots = len({one.boot for one in counting})
    sentences = (
        f"Made by `cc-ci perf docs` from {measured.folder.parent.name}/{measured.folder.name}; do not edit.",
        f"Begun on {measured.facts.began}, arm `{' and '.join(asked.arms)}`, on a node of",
        f"{asked.cpus:g} CPUs and {asked.memory_bytes / 2**30:g} GiB, page cache inside the limit,",
        f"with the engine {_engines(measured)};",
        f"{_images(counting)} come over a link of {asked.bandwidth}.",
        f"The machine: {host.cpus} CPUs ({host.cpu_model}), {host.memory_bytes / 2**30:.0f} GiB,",
        f"{host.system}, kernel {host.kernel_version}; {boots} boot(s) of such machines.",
        "A cell is a recipe, whether its images had to be pulled (cold) or were there (warm), and an arm:",
        "`stock` where none is named, `bare` for the same work on plain containers.",
        "Phases and spans are explained in [phases.md](../reference/phases.md).",
        "Cells are interleaved, every second round backwards; a run's place is its number in that order,",
        "and that of its file under runs/. Seconds are medians unless a column says",
        "otherwise; intervals are exact, of 95 % at least, for which there have to be 6 runs.",
        f"Runs were made with the code {' or '.join(_codes(counting)) or '-'}, a hash over all of cc-ci, its",
        "suites and recipes that their times depend on; more are taken in with the same one, unless told to.",
    )
    return " ".join(sentences)


def conditions(measured: Set) -> dict[str, str]:
    """What holds for a whole set, and what of it was not measured: name and value."""
    asked, host = measured.facts.asked, measured.facts.host
    counting = [one for one in measured.measured if one.counts]
    known = {
        "begun": measured.facts.began,
        "node": f"{asked.cpus:g} CPUs, {asked.memory_bytes / 2**30:g} GiB, page cache included",
        "images": f"{_images(counting)}, over a link of {asked.bandwidth}",
        "machine": f"{host.cpus} CPUs ({host.cpu_model}), {host.memory_bytes / 2**30:.0f} GiB, {host.system}",
        "kernel": host.kernel_version,
        "engine": _engines(measured),
        "boots": str(len({one.boot for one in counting})),
        "code": " or ".join(_codes(counting)) or "-",
        "canaries at the beginning": f"CPU {_canary(measured, 'cpu')}, untar {_canary(measured, 'untar')}",
    }
    return known | {
        f"not measured: {recipe}": f"no registry within reach has {', '.join(images)}"
        for recipe, images in measured.facts.lacking.items()
    }


def _engines(measured: Set) -> str:
    return " or ".join(map(str, measured.engines.values())) or "unknown"


def _canary(measured: Set, work: str) -> str:
    return f"{median(getattr(one, work) for one in measured.facts.canaries):.2f} s"


def _codes(counting: Sequence[Measured]) -> list[str]:
    return sorted({one.code or "unknown" for one in counting})


def _images(counting: Sequence[Measured]) -> str:
    kinds = {one.result.environment.images_kind for one in counting if one.result}
    return " and ".join(words for kind, words in IMAGES.items() if kind in kinds) or "images"


def interval(times: Times) -> str:
    found = times.interval
    return f"{seconds(found.low)} to {seconds(found.high)}" if found else "n too small"
