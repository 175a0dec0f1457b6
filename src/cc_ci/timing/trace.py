"""Record the spans of one run: nested, safe between threads, cheap; failures are recorded and passed on.

A span lies inside its parent. What is recorded afterwards, by an engine's stamps, is cut to it here, so that
no reader has to mend the tree.
"""

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from types import TracebackType
from typing import Literal, Self

from cc_ci.system.clock import Clock
from cc_ci.system.units import EpochSeconds, Seconds
from cc_ci.timing.actions import POLL_SLACK
from cc_ci.timing.phases import Phase
from cc_ci.timing.spans import Attribute, Span, SpanKind


class OpenSpan:
    """A span that is being timed: add attributes with `note`, mark it failed without raising with `fail`.

    Owned by the thread that opened it; what others see of it (`Trace.spans`) is of one moment.
    """

    def __init__(
        self,
        trace: "Trace",
        name: str,
        *,
        kind: SpanKind,
        action: str | None,
        phase: Phase | None,
        stage: str | None,
        deployment: str | None,
        attributes: dict[str, Attribute],
    ) -> None:
        self._trace = trace
        self.name = name
        self.kind = kind
        self.action = action
        self.phase = phase
        self.stage = stage
        self.deployment = deployment
        self.attributes = attributes
        self.id = -1
        self.parent: int | None = None
        self.start: Seconds = 0.0
        self.end: Seconds | None = None
        self.status: Literal["open", "done", "failed"] = "open"
        self.error: str | None = None

    def note(self, **attributes: Attribute) -> None:
        self.attributes.update(attributes)

    def fail(self, reason: str) -> None:
        error = self._trace.redact(reason)
        with self._trace.lock:
            self.status, self.error = "failed", error

    def belongs_to(self, trace: "Trace") -> bool:
        return self._trace is trace

    def under(self, parent: "OpenSpan | None") -> None:
        """Become `parent`'s child; its stage and deployment hold for children that name none."""
        if parent is None:
            return
        self.parent = parent.id
        self.stage = self.stage or parent.stage
        self.deployment = self.deployment or parent.deployment

    def __enter__(self) -> Self:
        self._before = _current.set(self._trace.begin(self))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(error)
        _current.reset(self._before)

    def close(self, error: BaseException | None = None) -> None:
        """End it now. Works twice."""
        if self.end is not None:
            return
        if error is not None:
            self.fail(_one_line(error))
        at = self._trace.elapsed()
        with self._trace.lock:
            self.end = at
            if self.status == "open":
                self.status = "done"

    def seen(self) -> Span:
        """What is known now, as a value."""
        return Span(
            id=self.id,
            name=self.name,
            kind=self.kind,
            action=self.action,
            start=self.start,
            end=self.end,
            parent=self.parent,
            phase=self.phase,
            stage=self.stage,
            deployment=self.deployment,
            status=self.status,
            error=self.error,
            attributes=dict(self.attributes),
        )


_current: ContextVar[OpenSpan | None] = ContextVar("cc_ci_span", default=None)


class Trace:
    """All spans of one run.

    `started` is the run's start on the clock's monotonic scale, by default now; spans hold seconds since it.
    `epoch` is the wall-clock stamp of that instant, read once: no later step of the wall clock moves a span.
    Safe to share between threads: spans are begun, ended and read under one lock. Only what a span is noted
    with is its own thread's to change.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        started: Seconds | None = None,
        redact: Callable[[str], str] = lambda text: text,
    ) -> None:
        now = clock.monotonic()
        self.started: Seconds = now if started is None else started
        self.epoch = EpochSeconds(clock.now() - (now - self.started))
        self.redact = redact
        self._clock = clock
        self.lock = threading.Lock()
        self._ids = itertools.count(1)
        self._spans: list[OpenSpan] = []
        self._root: OpenSpan | None = None

    def now(self) -> Seconds:
        """The monotonic stamp of this instant."""
        return self._clock.monotonic()

    def elapsed(self) -> Seconds:
        """Seconds since the run's start."""
        return self._clock.monotonic() - self.started

    def monotonic_at(self, epoch: EpochSeconds, *, ahead: Seconds = 0.0) -> Seconds:
        """The monotonic stamp of one by a wall clock (the engine's) that is `ahead` of the runner's."""
        return self.started + (epoch - ahead - self.epoch)

    @contextlib.contextmanager
    def run(self) -> Iterator[OpenSpan]:
        """The span of the whole run, from its start: the parent of all that have no other, in any thread."""
        with self.span("run", phase=None, kind="run") as span:
            span.start = 0.0
            self._root = span
            yield span

    def end_run(self) -> None:
        """End the span of the whole run: nothing but writing what is known comes after."""
        if self._root is not None:
            self._root.close()

    def span(
        self,
        name: str,
        *,
        phase: Phase | None,
        kind: SpanKind = "call",
        action: str | None = None,
        stage: str | None = None,
        deployment: str | None = None,
        **attributes: Attribute,
    ) -> OpenSpan:
        """Time a `with` block; spans begun inside it, in this thread or a carried one, are its children."""
        return OpenSpan(
            self,
            name,
            kind=kind,
            action=action,
            phase=phase,
            stage=stage,
            deployment=deployment,
            attributes=attributes,
        )

    def record(
        self,
        name: str,
        *,
        phase: Phase | None,
        start: Seconds,
        end: Seconds,
        kind: SpanKind = "call",
        action: str | None = None,
        parent: OpenSpan | None = None,
        stage: str | None = None,
        deployment: str | None = None,
        **attributes: Attribute,
    ) -> OpenSpan:
        """Add a span known afterwards, between two monotonic stamps; its parent is by default the open span.

        Hands it back, to be the `parent` of further ones. An `end` before `start` counts as `start`; what
        lies outside of the parent is cut off.
        """
        span = self.span(
            name,
            phase=phase,
            kind=kind,
            action=action,
            stage=stage,
            deployment=deployment,
            **attributes,
        )
        above = parent or self.current()
        first, last = start - self.started, max(start, end) - self.started
        if above is not None:
            most = self.elapsed() if above.end is None else above.end
            first, last = (min(max(stamp, above.start), most) for stamp in (first, last))
        span.status, span.end = "done", last
        return self.begin(span, at=first, parent=above)

    def poll_slack(self, what: str, *, phase: Phase, true_at: Seconds, noticed_at: Seconds) -> OpenSpan:
        """Record a wait for `what` that went on after it was true; monotonic stamps."""
        name = f"poll_slack: {what}"
        return self.record(name, phase=phase, action=POLL_SLACK, start=true_at, end=noticed_at)

    @contextlib.contextmanager
    def inside(self, span: OpenSpan) -> Iterator[None]:
        """Make what is done in this thread part of a span that another one opened."""
        before = _current.set(span)
        try:
            yield
        finally:
            _current.reset(before)

    def current(self) -> OpenSpan | None:
        """The open span of this thread, if it is one of this trace; else the run's."""
        span = _current.get()
        return span if span is not None and span.belongs_to(self) else self._root

    def begin(self, span: OpenSpan, *, at: Seconds | None = None, parent: OpenSpan | None = None) -> OpenSpan:
        """Take a span in, by default from now on and under the open one; `close` ends it."""
        span.under(parent or self.current())
        # together: a reader finds no span without its number, nor one out of order
        with self.lock:
            span.id = next(self._ids)
            span.start = self.elapsed() if at is None else at
            self._spans.append(span)
        return span

    def open(self) -> tuple[Span, ...]:
        """Those that are being timed now, the outer ones first."""
        return tuple(span for span in self.spans() if span.end is None)

    def spans(self) -> tuple[Span, ...]:
        """All spans in the order they were begun; open ones have no end, for partial results."""
        with self.lock:
            return tuple(span.seen() for span in self._spans)


def _one_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
