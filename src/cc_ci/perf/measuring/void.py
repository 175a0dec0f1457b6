"""When a run doesn't count: rules that were fixed before, on what was seen before, after or outside of it.

Never on its own pressure or its own time: that would choose by the outcome.
"""

from collections.abc import Iterator, Sequence

from cc_ci.perf.analysis.statistics import median
from cc_ci.results.measured import Canary

CPU_LIMIT = 1.5
"""So many times the set's first canaries: the machine itself is another one then. Its drift of some tens of
per cent is no reason, since it meets all cells and arms alike."""
UNTAR_LIMIT = 4.0
"""Flushing 1500 small files took from 0.3 to 1.0 s on one idle machine: below this it tells nothing."""
FOREIGN_LIMIT = 0.1
"""CPUs, on average over a run, that may be used by what is neither of the run nor of its node."""


def usual(canaries: Sequence[Canary]) -> Canary:
    """What later canaries are held against: the medians of those at a set's beginning."""
    loaded = [one.loaded for one in canaries if one.loaded is not None]
    return Canary(
        cpu=median(one.cpu for one in canaries),
        untar=median(one.untar for one in canaries),
        loaded=median(loaded) if loaded else None,
    )


def void(*, usual: Canary, before: Canary, after: Canary | None, foreign_cpus: float | None) -> str | None:
    """The first rule by which a run is void, with the value seen; None when it counts."""
    return next(_broken(usual, before, after, foreign_cpus), None)


def _broken(usual: Canary, before: Canary, after: Canary | None, foreign_cpus: float | None) -> Iterator[str]:
    for when, seen in (("before", before), ("after", after)):
        if seen is None:
            continue
        works = (
            ("cpu", seen.cpu, usual.cpu, CPU_LIMIT),
            ("untar", seen.untar, usual.untar, UNTAR_LIMIT),
            ("all CPUs and memory", seen.loaded, usual.loaded, CPU_LIMIT),
        )
        for work, value, reference, limit in works:
            if value is not None and reference is not None and value > reference * limit:
                yield f"canary {when} it: {work} took {value:.2f} s, usual {reference:.2f} s"
    if foreign_cpus is not None and foreign_cpus > FOREIGN_LIMIT:
        yield f"foreign processes used {foreign_cpus:.2f} CPUs, more than {FOREIGN_LIMIT:g}"
