"""Runs of the past that tell how long the next ones will take: those of sets, and those of `cc-ci run`."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from cc_ci.errors import CcCiError
from cc_ci.perf.baselines import sets
from cc_ci.perf.measuring.expected import Past
from cc_ci.results.history import History
from cc_ci.results.history_rows import node_text
from cc_ci.results.measured import read_set
from cc_ci.results.store import Store
from cc_ci.system.units import EpochSeconds

HISTORY = "runs of `cc-ci run`"


def past(asked: sets.Asked, roots: Sequence[Path]) -> tuple[Past, ...]:
    """Green runs on a node of the same size: of the sets below `roots`, and of the history.

    A set or a history that can't be read tells nothing here.
    """
    folders = dict.fromkeys(folder.resolve() for root in roots for folder in sets.in_order(root))
    return (*(one for folder in folders for one in _of_set(folder, asked)), *_of_history(asked))


def _of_set(folder: Path, asked: sets.Asked) -> Iterator[Past]:
    try:
        facts, measured = sets.read_facts(folder), read_set(folder)
    except CcCiError:
        return
    if (facts.asked.cpus, facts.asked.memory_bytes) != (asked.cpus, asked.memory_bytes):
        return
    for one in measured:
        if one.counts and one.result:
            yield Past(
                recipe=one.cell.recipe,
                cache=one.cell.cache,
                arm=one.cell.arm,
                engine=one.result.environment.engine,
                seconds=one.result.total_seconds,
                started=EpochSeconds(one.result.started_at),
                of=f"{folder.parent.name}/{folder.name}",
            )


def _of_history(asked: sets.Asked) -> Iterator[Past]:
    try:
        with History(Store(), say=_nothing) as index:
            index.refresh(tell_unread=False)
            lines = [one.line for one in index.summaries()]
            points = [(line, point) for line in lines for point in index.trend(line)]
    except CcCiError:
        return
    node = node_text(cpus=asked.cpus, memory_bytes=asked.memory_bytes)
    for line, point in points:
        if line.only is None and line.variant is None and line.node == node:
            yield Past(
                recipe=line.recipe,
                cache=line.cache,
                arm=line.arm,
                # a line tells all parts of its engine, the version first
                engine=line.engine and line.engine.partition(",")[0],
                seconds=point.seconds,
                started=point.started,
                of=HISTORY,
            )


def _nothing(_line: str) -> None:
    """The history tells of it itself."""
