"""Why a run is red: each cause with its place, the next command, and what was seen. Pure."""

import shlex
from collections.abc import Iterator

import msgspec

from cc_ci.results.places import place_in
from cc_ci.results.schema import RunResult, ServiceSeen, StageResult
from cc_ci.system.exit_codes import with_meaning
from cc_ci.system.http_seen import HttpSeen


class Detail(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody or something said, under a heading."""

    title: str
    lines: tuple[str, ...] = ()


class RedCause(msgspec.Struct, frozen=True, kw_only=True):
    """One cause; `place` is a file's line, and what is written there where that is known."""

    what: str
    """Such as `install failed`."""
    why: str
    place: str | None = None
    next: str | None = None
    """The command that tells more, or mends it."""
    details: tuple[Detail, ...] = ()
    screenshots: tuple[str, ...] = ()


class Consequences(msgspec.Struct, frozen=True, kw_only=True):
    """Stages that did not run, and the one stage that is the cause."""

    stages: tuple[str, ...]
    follows: str

    def __str__(self) -> str:
        return f"{', '.join(self.stages)} unverified: as {self.follows}"


def causes(result: RunResult) -> tuple[RedCause, ...]:
    """All causes, in the order in which the verdict counts them; none for a green run."""
    if result.exit_code == 0:
        return ()
    stages = {_said(stage): stage for stage in result.stages}
    lines = result.because or tuple(said for said, stage in stages.items() if not stage.green)
    found = (_cause(line, stages.get(line), result) for line in lines)
    return tuple(cause for cause in found if cause)


def consequences(result: RunResult) -> tuple[Consequences, ...]:
    """The stages that did not run since another failed, by that other."""
    groups: dict[str, list[str]] = {}
    for stage in result.stages:
        if stage.follows and not stage.green:
            groups.setdefault(stage.follows, []).append(stage.name)
    return tuple(Consequences(stages=tuple(names), follows=follows) for follows, names in groups.items())


def _said(stage: StageResult) -> str:
    """The verdict's line of a stage."""
    return f"{stage.name} {stage.outcome}: {stage.reason or 'no reason given'}"


def _cause(line: str, stage: StageResult | None, result: RunResult) -> RedCause | None:
    if stage is None:
        return RedCause(what=result.verdict or "red", why=line, next=_without_a_stage(line, result))
    if stage.green or stage.follows:
        return None
    why, wrong = stage.reason or "no reason given", stage.wrong
    named = place_in(why)
    place = wrong.place if wrong else (f"{named[0]}:{named[1]}" if named else None)
    if place and wrong and wrong.text:
        place = f"{place}: {wrong.text}"
    return RedCause(
        what=f"{stage.name} {stage.outcome}",
        why=why,
        place=place,
        next=_next(stage, result),
        details=tuple(_details(stage)),
        screenshots=wrong.screenshots if wrong else (),
    )


def _without_a_stage(line: str, result: RunResult) -> str | None:
    if result.census.leaks and result.verdict == "contaminated":
        return f"cc-ci reap --run {result.run}"
    return None if result.verdict == "interrupted" else _doctor(line)


def _next(stage: StageResult, result: RunResult) -> str:
    recipe, wrong = shlex.quote(result.recipe.name), stage.wrong
    red = [test.id for test in stage.tests if test.outcome not in {"passed", "skipped"}]
    if stage.blame == "policy":
        return f"cc-ci recipe trust {recipe}"
    if red[:1] == ["lint"]:
        return f"cc-ci recipe lint {recipe}"
    if stage.outcome == "errored" and stage.blame != "provider":
        return _doctor(stage.reason or "")
    if wrong and wrong.service:
        return f"cc-ci logs {result.run} {shlex.quote(wrong.service)}"
    if wrong and wrong.deployment:
        return f"cc-ci run {recipe} --stage {stage.name} --keep"
    return f"cc-ci logs {result.run}" if stage.evidence else f"cc-ci recipe lint {recipe}"


def _doctor(line: str) -> str:
    return "cc-ci reap" if "left" in line.split() else "cc-ci doctor"


def _details(stage: StageResult) -> Iterator[Detail]:
    if stage.wrong is None:
        return
    for one in stage.wrong.exchanges:
        yield _exchange(one)
    for service in stage.wrong.services:
        yield from _service(service)


def _exchange(one: HttpSeen) -> Detail:
    came_to = one.problem or f"status {one.status}"
    return Detail(title=f"{one.request}: {came_to}", lines=one.lines)


def _service(one: ServiceSeen) -> Iterator[Detail]:
    ended = ""
    if one.exit_code is not None:
        told = with_meaning(one.exit_code, out_of_memory=one.out_of_memory)
        ended = (
            f", ended by its health check with exit code {one.exit_code}" if one.unhealthy else f", {told}"
        )
    yield Detail(title=f"{one.service}: {one.state}{ended}")
    if one.health:
        yield Detail(title=f"{one.service}: its health check said", lines=one.health)
    if one.lines:
        yield Detail(title=f"{one.service}: the last lines of its log", lines=one.lines)
