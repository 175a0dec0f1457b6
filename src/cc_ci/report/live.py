"""What a run is at right now, in a few lines that fit the terminal: times first, then what is waited for."""

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from cc_ci.report.last_time import WAITING, LastTime
from cc_ci.system.units import Seconds
from cc_ci.timing.parts import WAITS_FOR
from cc_ci.timing.spans import Span
from cc_ci.timing.trace import Trace

BAR = 12
"""Characters of the bar; half of them where the terminal is narrow."""
NARROW = 70
FULL, EMPTY = "\N{FULL BLOCK}", "\N{LIGHT SHADE}"


class RunProgress(Protocol):
    """How far a run is, and what is expected of it."""

    @property
    def stages(self) -> Mapping[str, bool]:
        """The stages of the plan in their order, and whether each is over."""
        ...

    @property
    def total(self) -> Seconds: ...
    def of_stage(self, stage: str) -> Seconds | None: ...
    def standing(self, deployment: str | None) -> str:
        """What the deployment waits for right now, or nothing."""
        ...


class Live:
    """The lines, read from the spans that are open: a wait that ended is not in them any more.

    The first is of the whole run; below it there is one for each chain that is at work. Remembers when each
    stage was begun, so that a stage's seconds go on from one of its steps to the next.
    """

    def __init__(
        self,
        trace: Trace,
        last: LastTime,
        *,
        recipe: str = "",
        progress: Callable[[], RunProgress | None] = lambda: None,
    ) -> None:
        self._trace = trace
        self._last = last
        self._recipe = recipe
        self._progress = progress
        self._begun: dict[str, Seconds] = {}

    def __call__(self, width: int = 80) -> str:
        """Lines of at most `width` characters; empty between two steps of a run without a plan yet."""
        spans, now, progress = self._trace.open(), self._trace.elapsed(), self._progress()
        steps = [span for span in spans if span.kind == "step"]
        outer = steps or [span for span in spans if span.kind not in {"run", "chain"}][:1]
        for step in steps:
            self._begun.setdefault(step.stage or "", step.start)
        lines = [*self._head(progress, now, width), *(self._step(one, spans, now, progress) for one in outer)]
        return "\n".join(cut(line, width) for line in lines)

    def _head(self, progress: RunProgress | None, now: Seconds, width: int) -> Iterator[str]:
        if progress is None:
            return
        expected = self._last.total or progress.total
        stages = progress.stages
        parts = (
            f"{self._recipe} {clock(now)} of about {clock(expected)}",
            bar(now / expected if expected else 0.0, BAR if width >= NARROW else BAR // 2),
            f"{sum(stages.values())}/{len(stages)} stages",
            _ahead(stages, set(self._begun)),
        )
        yield "  ".join(part for part in parts if part)

    def _step(self, step: Span, spans: tuple[Span, ...], now: Seconds, progress: RunProgress | None) -> str:
        if step.kind != "step" or step.stage is None:
            return f"{step.name} {now - step.start:.0f} s"
        elapsed = now - self._begun.get(step.stage, step.start)
        expected = self._last.of_stage(step.stage)
        if expected is None and progress is not None:
            expected = progress.of_stage(step.stage)
        of = f" of about {expected:.0f} s" if expected else ""
        return f"{step.stage} {elapsed:.0f} s{of}: {self._at_work(step, spans, now, progress)}"

    def _at_work(
        self, step: Span, spans: tuple[Span, ...], now: Seconds, progress: RunProgress | None
    ) -> str:
        """What its app waits for, else its innermost wait, else the step itself."""
        if standing := progress.standing(step.deployment) if progress else "":
            return standing
        known = {span.id: span for span in spans}
        waits = (span for span in reversed(spans) if WAITS_FOR in span.attributes)
        wait = next((span for span in waits if _within(span, step, known)), None)
        if wait is None:
            return f"{_short(step)} {now - step.start:.0f} s"
        what = str(wait.attributes[WAITS_FOR])
        expected = self._last.of_wait(step.name, what)
        of = f" of about {expected:.0f} s" if expected and expected >= 1 else ""
        return f"{WAITING}{what} {now - wait.start:.0f} s{of}"


def clock(seconds: Seconds) -> str:
    """`4:05`, or `1:02:03` from an hour on."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def bar(share: float, length: int) -> str:
    """Full only where the time is over: what takes longer than expected keeps the last place."""
    done = min(length, int(share * length)) if share >= 1 else min(length - 1, int(share * length))
    return FULL * done + EMPTY * (length - done)


def cut(line: str, width: int) -> str:
    return line if len(line) <= width else f"{line[: width - 1]}\N{HORIZONTAL ELLIPSIS}"


def _ahead(stages: Mapping[str, bool], begun: set[str]) -> str:
    now = [name for name, over in stages.items() if not over and name in begun]
    ahead = [name for name, over in stages.items() if not over and name not in begun]
    parts = (("now", now), ("then", ahead))
    return "  ".join(f"{word} {', '.join(names)}" for word, names in parts if names)


def _within(span: Span, step: Span, known: Mapping[int, Span]) -> bool:
    """Whether a span lies in a step; chains have steps side by side."""
    while span.id != step.id:
        if span.parent is None or span.parent not in known:
            return False
        span = known[span.parent]
    return True


def _short(step: Span) -> str:
    """The step without its stage, which is told already."""
    if step.action is None:
        return step.name
    words = step.action.replace("_", " ")
    return f"{words} ({step.deployment})" if step.deployment else words
