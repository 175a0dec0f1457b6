"""Whether a mutant was killed: the declared stage failed by the declared check, with blame, cause and place.

Anything else red is no kill: an error, an unverified stage, another check that happened to stumble first.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec

from cc_ci_guard.changes import STEP, Mutant
from cc_ci_guard.results import Result, Stage

Fate = Literal["killed", "survived", "no kill"]
GREEN, FAILED = 0, 1
PLAN = "plan"


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """`seen` is what failed instead, or the check that did what it had to; `why` is None for a kill."""

    fate: Fate
    why: str | None = None
    seen: tuple[str, ...] = ()


def judge(mutant: Mutant, result: Result | None, *, returncode: int | None) -> Judged:
    """Judge one run of a mutant; `result` is None where there is no readable one."""
    if result is None or result.state != "finished":
        how = "was ended by force" if returncode is None else f"exit {returncode}"
        return Judged(fate="no kill", why=f"the run left no whole result ({how})")
    if result.exit_code != returncode:
        return Judged(fate="no kill", why=f"exit {returncode}, and its results say {result.exit_code}")
    if returncode == GREEN:
        return Judged(fate="survived", why="the run was green")
    seen = tuple(_red(result))
    if why := _why_not(mutant, result, returncode=returncode):
        return Judged(fate="no kill", why=why, seen=seen)
    return Judged(fate="killed", seen=(f"{mutant.stage}: {mutant.check}",))


def _why_not(mutant: Mutant, result: Result, *, returncode: int | None) -> str | None:
    stage = result.stage(mutant.stage)
    if stage is None:
        return f"stage {mutant.stage} did not run"
    if stage.outcome != "failed":
        return f"stage {mutant.stage} was {stage.outcome}: {stage.reason or 'no reason given'}"
    if stage.blame != mutant.blame:
        return f"blame is {stage.blame}, not {mutant.blame}"
    said = list(_said(mutant, result, stage))
    if not said:
        return f"{mutant.check} did not fail: {stage.reason}"
    if returncode != FAILED:
        return f"exit {returncode}, not {FAILED}: {'; '.join(result.because)}"
    return _unsaid(mutant, said)


def _said(mutant: Mutant, result: Result, stage: Stage) -> Iterator[str]:
    """The messages of the declared check, one for each time that it failed."""
    if mutant.check.startswith(STEP):
        if _broke(result, stage, mutant.check.removeprefix(STEP)):
            yield stage.reason or ""
        return
    for test in stage.tests:
        if test.id == mutant.check and test.outcome == "failed":
            yield f"{test.id}: {test.reason or ''}"


def _broke(result: Result, stage: Stage, action: str) -> bool:
    """Whether a step of the stage failed; what is decided from the plan fails before any, in `PLAN`."""
    steps = [span for span in result.spans if span.kind == "step" and span.stage == stage.name]
    if action == PLAN:
        return not steps
    return any(span.status == "failed" and span.action == action for span in steps)


def _unsaid(mutant: Mutant, said: list[str]) -> str | None:
    """Which of the words that it must have no message has."""
    wanted = [*mutant.cause, mutant.place]
    lacking = [[word for word in wanted if word not in message] for message in said]
    least = min(lacking, key=len)
    return f"its message does not name {least[0]!r}: {said[0]}" if least else None


def _red(result: Result) -> Iterator[str]:
    for stage in result.stages:
        if stage.outcome in {"passed", "skipped"}:
            continue
        tests = [test.id for test in stage.tests if test.outcome not in {"passed", "skipped"}]
        steps = [
            f"{STEP}{span.action}"
            for span in result.spans
            if span.kind == "step" and span.status == "failed" and span.stage == stage.name
        ]
        yield f"{stage.name}: {', '.join(tests or steps) or stage.outcome}"
