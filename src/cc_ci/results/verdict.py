"""The verdict of a run and its exit code, from what its stages say."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from cc_ci.results.schema import Leak, StageResult

VerdictWord = Literal["green", "failed", "usage", "errored", "contaminated", "unverified", "interrupted"]

EXIT_CODES: dict[VerdictWord, int] = {
    "usage": 2,
    "interrupted": 130,
    "contaminated": 4,
    "errored": 3,
    "failed": 1,
    "unverified": 5,
    "green": 0,
}
"""In order: of several at once, the first decides."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """One word, its exit code, and a line for each reason; skipped stages are said even when it is green."""

    word: VerdictWord
    exit_code: int
    because: tuple[str, ...] = ()


def judge(
    stages: Sequence[StageResult],
    leaks: Sequence[Leak],
    *,
    interrupted: str | None = None,
    errored: str | None = None,
    usage: str | None = None,
) -> Verdict:
    """Judge a run; the last three are reasons from outside its stages.

    Green only if every stage passed or was skipped and nothing leaked; a run without a stage is unverified.
    """
    reasons: dict[VerdictWord, list[str]] = {word: [] for word in EXIT_CODES}
    reasons["usage"] += [usage] if usage else []
    reasons["interrupted"] += [interrupted] if interrupted else []
    reasons["errored"] += [errored] if errored else []
    reasons["contaminated"] += [f"{leak.kind} {leak.name}: {leak.change} by the run" for leak in leaks]
    if not stages:
        reasons["unverified"].append("no stage ran")
    for stage in stages:
        if stage.outcome != "passed":
            reasons["green" if stage.outcome == "skipped" else stage.outcome].append(_line(stage))
    word = next(word for word in EXIT_CODES if reasons[word] or word == "green")
    because = tuple(reason for word in EXIT_CODES for reason in reasons[word])
    return Verdict(word=word, exit_code=EXIT_CODES[word], because=because)


def _line(stage: StageResult) -> str:
    return f"{stage.name} {stage.outcome}: {stage.reason or 'no reason given'}"
