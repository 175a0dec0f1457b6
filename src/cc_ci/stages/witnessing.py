"""What is seen of an app when a step of it fails: after its removal nobody can look any more."""

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence

import msgspec

from cc_ci.engine.labels import SERVICE, STACK
from cc_ci.engine.last_words import OVER, spoken
from cc_ci.engine.parsing import stamp
from cc_ci.engine.state import ContainerState, StackSnapshot
from cc_ci.errors import DeadlinePassed
from cc_ci.probes.answers import Answer
from cc_ci.recipes.recipe import read_text
from cc_ci.recipes.routes import routes
from cc_ci.results.places import place_in
from cc_ci.results.schema import ServiceSeen, StageName, WentWrong
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.system import stopping
from cc_ci.system.http_seen import HttpSeen, first_lines, fitted
from cc_ci.system.printable import one_line
from cc_ci.system.units import EpochSeconds, Seconds

LAST_LINES = 10
LAST_LOOKS = 3
MOST_EXCHANGES = 2
MOST_SERVICES = 4
MOST_SCREENSHOTS = 3
LONGEST = 300
"""Characters of one line."""
PATIENCE: Seconds = 20.0
"""With an engine that is slow to answer; what is there by then is kept."""
NAMED = re.compile(r"\bservices?[ .](\w[\w-]*)")
"""How messages name a service."""


def witness(
    bench: Bench, deployed: Deployed | None, error: BaseException, *, step: str, stage: StageName
) -> WentWrong:
    """Look at the app, at most for `PATIENCE`. Never raises: what can't be seen is left out."""
    seen = WentWrong(step=step, deployment=deployed.name if deployed else None)
    if deployed is None:
        return seen
    found = _Look(bench, deployed, error, stage)
    with bench.trace.span("look at what went wrong", phase="overhead"):
        for part in (found.exchanges, found.services, found.place, found.screenshots):
            seen = _with(seen, part)
    return seen


def _with(seen: WentWrong, part: Callable[[WentWrong], WentWrong]) -> WentWrong:
    """Each part by itself: one trouble hides no other, nor the error that it is about."""
    trouble = contextlib.suppress(Exception, DeadlinePassed)
    with trouble, stopping.limited(PATIENCE, "a look at what went wrong"):
        return part(seen)
    return seen


class _Look:
    """The parts of one look; `error` is what the step raised."""

    def __init__(self, bench: Bench, deployed: Deployed, error: BaseException, stage: StageName) -> None:
        self._bench = bench
        self._deployed = deployed
        self._error = error
        tests = bench.findings.tests.get(stage, ())
        self._red = [one for one in tests if one.outcome not in {"passed", "skipped"}]
        self._stage = stage

    def exchanges(self, seen: WentWrong) -> WentWrong:
        """The last HTTP answers that the error, or the tests that failed, are about."""
        found = [*_of_errors(self._error), *(one.exchange for one in self._red if one.exchange)]
        kept = tuple(fitted(one, self._bench.redact) for one in found[:MOST_EXCHANGES])
        return msgspec.structs.replace(seen, exchanges=kept)

    def services(self, seen: WentWrong) -> WentWrong:
        """Those that the cause names, or that are not up, or that were asked; then what they may wait for."""
        snapshot = self._bench.engine.stack(self._deployed.stack.name)
        known = self._deployed.stack.services
        named = [name for name in NAMED.findall(str(self._error)) if name in known]
        down = [one.name for one in snapshot.services if one.running < one.desired and one.name in known]
        asked = self._asked() if seen.exchanges or self._red else []
        blamed = list(dict.fromkeys(named or down or asked))
        first = [self._service(name, snapshot) for name in blamed]
        words = " ".join(line for one in first for line in (*one.lines, *one.health))
        waited_for = [name for name in known if name in down or re.search(rf"\b{re.escape(name)}\b", words)]
        others = [self._service(name, snapshot) for name in waited_for if name not in blamed] if first else []
        return msgspec.structs.replace(seen, services=(*first, *others)[:MOST_SERVICES])

    def _asked(self) -> list[str]:
        """The services that requests go to."""
        known = self._deployed.stack.services
        return [one.service for one in routes(self._deployed.stack)] or [one for one in known if one == "app"]

    def place(self, seen: WentWrong) -> WentWrong:
        """The line that the error names, else where the service has its command or image."""
        stack = self._deployed.stack
        named = place_in(str(self._error))
        source = stack.source(f"services.{seen.service}.image") if seen.service else None
        found = named or ((source.file, source.line) if source else None)
        if found is None:
            return seen
        file, line = found
        seen = msgspec.structs.replace(seen, place=f"{file}:{line}")
        lines = read_text(self._deployed.candidate.recipe.root, file).splitlines()
        text = lines[line - 1].strip() if 0 < line <= len(lines) else None
        return msgspec.structs.replace(seen, text=text and self._line(text))

    def screenshots(self, seen: WentWrong) -> WentWrong:
        """Those of the tests of this step, the newest first."""
        evidence = self._bench.evidence
        folder = evidence / self._deployed.name / f"suite-{self._stage}"
        found = sorted(folder.rglob("*.png"), key=lambda path: -path.lstat().st_mtime_ns)
        names = (path.relative_to(evidence.parent).as_posix() for path in found[:MOST_SCREENSHOTS])
        return msgspec.structs.replace(seen, screenshots=tuple(names))

    def _service(self, name: str, snapshot: StackSnapshot) -> ServiceSeen:
        known, engine = snapshot.service(name), self._bench.engine
        labels = {STACK: self._deployed.stack.name, SERVICE: f"{self._deployed.stack.name}_{name}"}
        there = sorted(engine.containers(labels), key=lambda one: one.created, reverse=True)
        state = _telling([one for container in there if (one := engine.container(container.id))])
        said_no = state is not None and state.health_failures > 0
        health = tuple(map(self._line, state.health_output[-LAST_LOOKS:])) if state and said_no else ()
        return ServiceSeen(
            service=name,
            state=f"{known.running}/{known.desired} running" if known else "not there",
            exit_code=state.exit_code if state else None,
            out_of_memory=state.oom_killed if state else False,
            unhealthy=state.refused if state else False,
            health=tuple(dict.fromkeys(health)),
            lines=self._last_lines(state.id) if state else (),
        )

    def _last_lines(self, container: str) -> tuple[str, ...]:
        """What it said last, up to the moment of the failure."""
        said = spoken(_until(self._bench.engine.container_logs(container), self._moment()))
        return tuple(map(self._line, said[-LAST_LINES:]))

    def _moment(self) -> EpochSeconds | None:
        """When the first red test ended, by the engine's clock; None where it is now."""
        red = next((one for one in self._red if one.start is not None), None)
        if red is None or red.start is None:
            return None
        return EpochSeconds(self._bench.trace.epoch + red.start + red.seconds + self._bench.engine_ahead)

    def _line(self, text: str) -> str:
        """The text of an app or a recipe in one line, without the run's secrets."""
        return one_line(self._bench.redact(text.strip()), most=LONGEST)


def _telling(states: Sequence[ContainerState]) -> ContainerState | None:
    """The newest that ended by an error, else the newest that its check refused, else the newest."""
    bad = (one for one in states if one.state in OVER and (one.exit_code or one.oom_killed))
    refused = (one for one in states if one.refused)
    return next(bad, None) or next(refused, None) or next(iter(states), None)


def _until(logs: str, moment: EpochSeconds | None) -> str:
    """The lines whose stamps are not later; a stamp is the engine's, in UTC, and sorts as text."""
    if moment is None:
        return logs
    last = stamp(moment)
    return "\n".join(line for line in logs.splitlines() if line[: len(last)] <= last)


def _of_errors(error: BaseException | None) -> Iterator[HttpSeen]:
    """What an error, or one that it came of, has of HTTP."""
    while error is not None:
        if isinstance(exchange := getattr(error, "exchange", None), HttpSeen):
            yield exchange
        for answer in getattr(error, "answers", ()):
            if isinstance(answer, Answer):
                yield _seen(answer)
        error = error.__cause__


def _seen(answer: Answer) -> HttpSeen:
    return HttpSeen(
        request=f"GET {answer.url}",
        status=answer.status,
        lines=first_lines(answer.body),
        problem=f"{answer.problem.kind}: {answer.problem.detail}" if answer.problem else None,
    )
