"""The files of a run's evidence, as links from where the page is."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from cc_ci.report.html.run_page import Evidence
from cc_ci.results.schema import RunResult
from cc_ci.results.unredacted import is_unredacted

SHOWN = frozenset({".txt", ".log", ".json", ".jsonl", ".png"})
"""What a browser shows and does not run: a suite may leave pages with scripts of its own."""


def evidence_of(result: RunResult, folder: Path, *, page: Path) -> tuple[Evidence, ...]:
    """What is there of the folders that the result names; what lies outside of the run's is left out."""
    named = dict.fromkeys(name for stage in result.stages for name in stage.evidence)
    return tuple(one for name in named for one in _files(folder, name, page.resolve().parent))


def _files(folder: Path, name: str, start: Path) -> Iterator[Evidence]:
    home = folder.resolve()
    place = (home / name).resolve()
    if not place.is_relative_to(home) or not place.is_dir():
        return
    for path in sorted(place.rglob("*")):
        if path.is_file() and path.resolve().is_relative_to(home):
            # "./" keeps a first part with a colon from being read as a scheme
            href = "./" + quote(os.fsencode(os.path.relpath(path, start)))
            shown = os.fsencode(path.relative_to(place)).decode(errors="replace")
            yield Evidence(
                folder=name,
                name=shown,
                href=href,
                opens=path.suffix in SHOWN,
                redacted=not is_unredacted(path.name),
            )
