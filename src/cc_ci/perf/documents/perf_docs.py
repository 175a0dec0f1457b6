"""The documents under docs/perf/, made of a set's files alone; `cc-ci perf docs` writes them.

Reasoning that a machine can't write comes from short texts beside the data: SET/notes/DOCUMENT.md.
"""

from collections.abc import Sequence
from pathlib import Path

from cc_ci.perf.baselines.measured_set import of_one_engine, read
from cc_ci.perf.documents.attribution import attributed
from cc_ci.perf.documents.baseline import baseline
from cc_ci.perf.documents.engines import engines_page
from cc_ci.perf.documents.limit import limits


def documents(
    folder: Path,
    limits_folder: Path | None = None,
    again_folders: Sequence[Path] = (),
    engines_folders: Sequence[Path] = (),
) -> dict[str, str]:
    """All documents by their file's name; that of the limit where it was measured, or of another set.

    The sets in `again_folders`, the oldest first, repeated some of what is in `folder`; those that did so on
    another engine are left out. Those in `engines_folders` hold the same runs on several engines.
    """
    measured = read(folder)
    again = of_one_engine(measured, [read(one) for one in again_folders])
    found = {"baseline.md": baseline(measured, again), "attribution.md": attributed(measured)}
    if engines_folders:
        found["engines.md"] = engines_page([read(one) for one in engines_folders])
    if limits_folder:
        return {**found, "limit.md": limits(read(limits_folder))}
    return {**found, "limit.md": limits(measured)} if measured.facts.asked.measures_bare else found
