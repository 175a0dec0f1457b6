"""What a run is at right now, in one line: its stage and its wait, with their seconds now and last time."""

from collections.abc import Iterator

from cc_ci.report.last_time import WAITING, LastTime, last_time
from cc_ci.system.units import Seconds
from cc_ci.timing.parts import WAITS_FOR
from cc_ci.timing.spans import Span
from cc_ci.timing.trace import Trace


class Live:
    """The line, read from the spans that are open: a wait that ended is not in it any more.

    Remembers when each stage was begun, so that a stage's seconds go on from one of its steps to the next.
    """

    def __init__(self, trace: Trace, last: LastTime) -> None:
        self._trace = trace
        self._last = last
        self._begun: dict[str, Seconds] = {}

    def __call__(self) -> str:
        """`install 72 s (last time 48 s): waiting for the app 31 s (last time 29 s)`; empty between steps.

        Of chains side by side each has its part of the line.
        """
        spans, now = self._trace.open(), self._trace.elapsed()
        return " | ".join(
            f"{self._stage(step, now)}{self._at_work(step, within, now)}" for step, within in _at_once(spans)
        )

    def _stage(self, step: Span, now: Seconds) -> str:
        if step.stage is None:
            return ""
        begun = self._begun.setdefault(step.stage, step.start)
        return f"{step.stage} {now - begun:.0f} s{last_time(self._last.of_stage(step.stage))}: "

    def _at_work(self, step: Span, spans: tuple[Span, ...], now: Seconds) -> str:
        """The innermost wait, else the step itself."""
        wait = next((span for span in reversed(spans) if WAITS_FOR in span.attributes), None)
        if wait is None:
            return f"{_short(step)} {now - step.start:.0f} s"
        what = str(wait.attributes[WAITS_FOR])
        took = last_time(self._last.of_wait(step.name, what))
        return f"{WAITING}{what} {now - wait.start:.0f} s{took}"


def _at_once(spans: tuple[Span, ...]) -> Iterator[tuple[Span, tuple[Span, ...]]]:
    """What is at work side by side: the outermost of each chain, with all that is in it."""
    outer = {span.id for span in spans if span.kind in {"run", "chain"}}
    inside: dict[int, list[Span]] = {}
    top: dict[int, int] = {}
    for span in (span for span in spans if span.id not in outer):
        top[span.id] = top.get(span.parent or 0, span.id)
        inside.setdefault(top[span.id], []).append(span)
    steps = [group for group in inside.values() if group[0].kind == "step"]
    # what is done beside steps, such as writing what is known, is told where nothing else is
    for first, *others in steps or list(inside.values())[:1]:
        yield first, (first, *others)


def _short(step: Span) -> str:
    """The step without its stage, which is told already."""
    if step.kind != "step" or step.action is None:
        return step.name
    words = step.action.replace("_", " ")
    return f"{words} ({step.deployment})" if step.deployment else words
