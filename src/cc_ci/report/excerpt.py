"""`python -m cc_ci.report.excerpt RESULTS DOCUMENT`: write a run's tables into a Markdown document.

They go between two markers, so that a number in a document is one of the results kept beside it.
"""

import re
import sys
from pathlib import Path

from cc_ci.errors import UsageError
from cc_ci.results.schema import RunResult
from cc_ci.results.store import load
from cc_ci.system.files import write_atomic

BLOCK = re.compile(r"(<!-- run:begin -->\n).*?(<!-- run:end -->)", re.DOTALL)
LONGEST = 8


def excerpt(result: RunResult) -> str:
    """Say in Markdown what was run where, each stage, and the longest phases."""
    return "\n\n".join((_caption(result), _stages(result), _phases(result))) + "\n"


def _caption(result: RunResult) -> str:
    recipe, where = result.recipe, result.environment
    memory = f"{where.memory_bytes / 2**30:.0f} GiB" if where.memory_bytes else "unknown memory"
    images = "stand-in images" if where.images_kind == "stand-in" else f"images: {where.images_kind}"
    cache = f" --cache {result.cache.asked}" if result.cache.asked else ""
    what = f"`cc-ci run {recipe.name}{cache}`, {recipe.version_from} to {recipe.version_to}"
    on = f"on {where.cpus:g} CPUs and {memory}, engine {where.engine}, {images}"
    outcome = (
        f"**{result.verdict}** after {result.total_seconds:.0f} s, of which {_share(result):.1%} have no name"
    )
    return f"{what}, profile `{result.arm}`, {on}: {outcome}. One run, so no more than an example."


def _share(result: RunResult) -> float:
    return result.phases.unattributed_share if result.phases else 1.0


def _stages(result: RunResult) -> str:
    rows = ["| stage | outcome | seconds | tests |", "|---|---|---:|---|"]
    for stage in result.stages:
        passed = sum(test.outcome == "passed" for test in stage.tests)
        tests = f"{passed} of {len(stage.tests)}" if stage.tests else stage.reason or ""
        rows.append(f"| {stage.name} | {stage.outcome} | {stage.seconds:.1f} | {tests} |")
    return "\n".join(rows)


def _phases(result: RunResult) -> str:
    if result.phases is None:
        return ""
    ranked = sorted(result.phases.rows, key=lambda row: -row.wall_seconds)
    rows = ["| phase | seconds | share |", "|---|---:|---:|"]
    rows += [f"| {row.phase} | {row.wall_seconds:.1f} | {row.share:.1%} |" for row in ranked[:LONGEST]]
    others = ranked[LONGEST:]
    seconds, share = sum(row.wall_seconds for row in others), sum(row.share for row in others)
    return "\n".join([*rows, f"| {len(others)} others | {seconds:.1f} | {share:.1%} |"])


def filled(document: str, result: RunResult) -> str:
    """The document with the run's tables between its markers. Raises UsageError if it has none."""
    if not BLOCK.search(document):
        raise UsageError("document: no line `<!-- run:begin -->` with a `<!-- run:end -->` after it")
    return BLOCK.sub(lambda found: found[1] + excerpt(result) + found[2], document)


def main() -> None:
    results, document = Path(sys.argv[1]), Path(sys.argv[2])
    write_atomic(document, filled(document.read_text(), load(results)))


if __name__ == "__main__":
    main()
