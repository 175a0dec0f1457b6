"""What every document says in the same words."""

from collections.abc import Sequence

from cc_ci.perf.analysis.attribution import Times
from cc_ci.perf.baselines.measured_set import Set
from cc_ci.perf.documents.tables import seconds


def joined(parts: Sequence[str]) -> str:
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def made_from(measured: Set) -> str:
    asked, host = measured.facts.asked, measured.facts.host
    counting = [one for one in measured.measured if one.counts]
    boots, codes = len({one.boot for one in counting}), len({one.code for one in counting})
    sentences = (
        f"Made by `cc-ci perf docs` from {measured.folder.parent.name}/{measured.folder.name}; do not edit.",
        f"Begun on {measured.facts.began}, profile `{' and '.join(asked.profiles)}`, on a node of",
        f"{asked.cpus:g} CPUs and {asked.memory_bytes / 2**30:g} GiB, page cache inside the limit;",
        f"stand-in images come over a link of {asked.bandwidth}.",
        f"The machine: {host.cpus} CPUs ({host.cpu_model}), {host.memory_bytes / 2**30:.0f} GiB,",
        f"{host.system}, kernel {host.kernel_version}; {boots} boot(s) of such machines.",
        "A cell is a recipe, whether its images had to be pulled (cold) or were there (warm), and a profile:",
        "`stock` where none is named, `bare` for the same work on plain containers.",
        "Phases and spans are explained in [phases.md](../reference/phases.md).",
        "Cells are interleaved, every second round backwards; a run's place is its number in that order,",
        "and that of its file under runs/. Seconds are medians unless a column says",
        "otherwise; intervals are exact, of 95 % at least, for which there have to be 6 runs.",
        f"Runs were made with {codes} state(s) of the code that they depend on.",
    )
    return " ".join(sentences)


def interval(times: Times) -> str:
    found = times.interval
    return f"{seconds(found.low)} to {seconds(found.high)}" if found else "n too small"
