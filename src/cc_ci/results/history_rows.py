"""What the index of runs keeps of one result, as rows of its tables."""

from collections.abc import Collection, Iterator, Sequence

from cc_ci.results.engines import engine_of
from cc_ci.results.schema import Environment, RunResult
from cc_ci.system.units import Bytes, Seconds
from cc_ci.timing.parts import parts_of
from cc_ci.timing.phases import UNATTRIBUTED
from cc_ci.timing.resources import SpanResources
from cc_ci.timing.spans import Span

OWN_WORK = frozenset({"seed", "test", "verify", "backup", "restore"})
"""Phases in which suite, browser and restic compute: beside the stack, and still the run's own."""


def run_row(run: str, changed: int, result: RunResult) -> tuple[object, ...]:
    """A row of the table `runs`; `changed` is when its file was written, in nanoseconds."""
    recipe = result.recipe
    whole = result.whole or SpanResources()
    cpu, io = whole.pressure.cpu_some_seconds, whole.pressure.io_some_seconds
    return (
        *(run, changed, result.cc_ci_version),
        *(recipe.name, recipe.version_to, recipe.commit_to, recipe.suite_hash),
        *(str(result.arm), result.arm.digest),
        *(
            result.cache.asked,
            _only(result),
            " ".join(recipe.variant) or None,
            _node(result.environment),
            result.environment.images_kind,
            str(engine_of(result.environment)) if result.environment.engine else None,
            recipe.dirty,
            result.started_at,
            result.verdict,
            result.exit_code,
            result.total_seconds,
        ),
        *(_share(one, result.total_seconds) for one in (cpu, io)),
        _others_cpus(result),
    )


def _only(result: RunResult) -> str | None:
    """The stage that was asked for alone: the last of its results, since what it needs ran before it."""
    names = [stage.name for stage in result.stages if stage.name != "teardown"]
    whole = "install" in names and len(names) > 1
    return None if whole or not names else names[-1]


def _node(environment: Environment) -> str | None:
    if environment.cpus is None or environment.memory_bytes is None:
        return None
    return node_text(cpus=environment.cpus, memory_bytes=environment.memory_bytes)


def node_text(*, cpus: float, memory_bytes: Bytes) -> str:
    """How a line of the history tells its kind of node."""
    return f"{cpus:g} CPUs, {memory_bytes / 2**30:.3g} GiB"


def _others_cpus(result: RunResult) -> float | None:
    """CPUs that were kept busy, on average, by what is neither of the run nor of its node; never below 0.

    Of the time outside of `OWN_WORK`, less cc-ci's own CPU in proportion. None where results don't tell.
    """
    used = {one.span: one for one in result.resources}
    own = [span for span in _outermost(result.spans, OWN_WORK) if span.id in used]
    seconds = result.total_seconds - sum(span.seconds for span in own)
    beside = [_beside(used[number]) for number in (None, *(span.id for span in own)) if number in used]
    known = [one for one in beside if one is not None]
    if None not in used or len(known) < len(beside) or seconds <= 0:
        return None
    whole, *parts = known
    harness = (result.harness.cpu_seconds or 0.0) * seconds / result.total_seconds
    return max(0.0, whole - sum(parts) - harness) / seconds


def _outermost(spans: Sequence[Span], phases: Collection[str]) -> Iterator[Span]:
    """Those in one of `phases` that are within no other such; they lie side by side."""
    inside: set[int] = set()
    for span in spans:  # parents come before their children
        if span.parent in inside:
            inside.add(span.id)
        elif span.phase in phases and span.end is not None:
            inside.add(span.id)
            yield span


def _beside(used: SpanResources) -> Seconds | None:
    """CPU seconds of the machine less the stack's and the engine's."""
    machine, *ours = (one.cpu_seconds for one in (used.machine, used.stack, used.engine))
    known = [one for one in ours if one is not None]
    return None if machine is None or len(known) < len(ours) else max(0.0, machine - sum(known))


def _share(stalled: Seconds | None, total: Seconds) -> float | None:
    return None if stalled is None or not total else stalled / total


def phase_rows(run: str, result: RunResult) -> Iterator[tuple[str, str, str, float]]:
    """Rows of the table `phases`: the run, stage, phase and seconds of each part of the critical path."""
    if result.phases is not None:
        for part in parts_of(result.phases, result.spans):
            yield run, part.stage or "", part.phase or UNATTRIBUTED, part.seconds


def test_rows(run: str, result: RunResult) -> Iterator[tuple[str, str, str, str]]:
    """Rows of the table `tests`: the run, stage, name and outcome of each test."""
    for stage in result.stages:
        for test in stage.tests:
            # on two deployments of one run it may differ, and is no flake
            name = f"{test.id} ({test.deployment})" if test.deployment else test.id
            yield run, stage.name, name, test.outcome
